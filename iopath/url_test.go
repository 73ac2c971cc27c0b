package iopath

import (
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestParseURL prints what each URL comes to, or why it is refused.
func TestParseURL(t *testing.T) {
	datadriven.RunTest(t, "testdata/url", func(t *testing.T, d *datadriven.TestData) string {
		spec, err := ParseURL(d.Input)
		if err != nil {
			return "error: " + err.Error()
		}
		again, err := ParseURL(spec.String())
		require.NoError(t, err)
		require.Equal(t, spec, again, "String does not give the Spec back")
		return spec.String()
	})
}

func FuzzParseURL(f *testing.F) {
	f.Add("pwrite:/data/wal?capacity=2GiB&block=256KiB,1MiB&window=1MiB,4MiB,512MiB&depth=8")
	f.Add("uring:/dev/nvme1n1?durability=direct&mode=leader&window=4MiB")
	f.Add("mem:?durability=none&model=st1&seed=3&iops=100&rate=1MiB/s")
	f.Add("uring:wal?mode=owner&fixed=1&ring=giouring&sqpoll=0")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := ParseURL(text)
		if err != nil {
			return
		}
		again, err := ParseURL(spec.String())
		require.NoError(t, err)
		require.Equal(t, spec, again)
	})
}

func TestOptionsReportEveryFault(t *testing.T) {
	err := OpenOptions{Capacity: 4097, ArenaSize: 5, Depth: -1, Durability: "hope"}.Validate()
	for _, name := range []string{"file", "capacity", "arena", "depth", "durability"} {
		require.ErrorContains(t, err, name+":")
	}
	require.NoError(t, OpenOptions{File: "wal"}.WithDefaults().Validate())
}
