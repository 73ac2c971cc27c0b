package results

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDurabilityClass(t *testing.T) {
	for _, c := range []struct {
		flush, cut string
		want       DurabilityClass
	}{
		{"dsync", "a power cut loses nothing acknowledged", Durable},
		{"direct", "a power cut loses nothing acknowledged if the device has no volatile write cache", Durable},
		{"fsync", "a power cut loses nothing acknowledged (flush.messages=1)", Durable},
		{"fdatasync", "", Durable},
		{"none", "a power cut may lose acknowledged records", Volatile},
		{"none", "a power cut loses what the page cache held", Volatile},
		{"none", "", Volatile},
		{"dsync", "a power cut loses everything: the data lies in memory", Volatile},
		{"not known", "not known: the target runs elsewhere", Unknown},
		{"", "", Unknown},
	} {
		require.Equal(t, c.want, Durability{Flush: c.flush, PowerCut: c.cut}.Class(), "%s: %s", c.flush, c.cut)
	}
}
