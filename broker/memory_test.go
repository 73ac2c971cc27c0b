package broker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLimitsOfAllControlGroups(t *testing.T) {
	for name, tc := range map[string]struct {
		groups string
		files  []string
	}{
		"version 2":           {"0::/a/b\n", []string{"/r/a/b/memory.max", "/r/a/memory.max", "/r/memory.max"}},
		"version 2, own root": {"0::/\n", []string{"/r/memory.max"}},
		"version 1": {"5:cpu,cpuacct:/x\n4:memory:/x\n", []string{
			"/r/memory/x/memory.limit_in_bytes", "/r/memory/memory.limit_in_bytes",
		}},
		"outside of the root": {"0::/../y\n", []string{"/r/y/memory.max", "/r/memory.max"}},
		"nothing":             {"", nil},
		"broken":              {"0:\n", nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.files, limitFiles(tc.groups, "/r")) })
	}
}

func TestMemoryLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.max")
	for text, want := range map[string]int64{"1073741824\n": 1 << 30, "max\n": 0, "": 0, "-1": 0} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		got, ok := memoryLimit(file)
		require.Equal(t, want > 0, ok, text)
		if ok {
			require.Equal(t, want, got)
		}
	}
	_, ok := memoryLimit(file + ".none")
	require.False(t, ok)
	require.Positive(t, availableMemory())
}
