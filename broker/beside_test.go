package broker

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogAndObjectsOnOneDisk(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "not", "there")
	for _, c := range []struct {
		wal, store string
		want       bool
	}{
		{"pwrite:" + filepath.Join(dir, "wal"), "dir:" + missing, true},
		{"mem:", "dir:" + dir, false},
		{"pwrite:" + filepath.Join(dir, "wal"), "mem:", false},
		{"pwrite:" + filepath.Join(dir, "wal"), "s3://bucket", false},
		{"pwrite:/dev/null", "dir:/dev", false},
	} {
		b := &Broker{cfg: Config{WAL: c.wal, Store: c.store}, logWatch: newLogWatch()}
		beside := b.beside()
		require.Equal(t, c.want, beside != nil, "%s beside %s", c.wal, c.store)
		if beside != nil {
			require.False(t, beside(), "the log is not open yet")
		}
	}
}
