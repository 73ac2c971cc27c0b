package mem

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disks remembers which device stands for which directory, so that opening
// again finds the data.
func disks() iotest.Open {
	devices := map[string]*Device{}
	return func(t testing.TB, cfg iotest.Config) iopath.Path {
		if devices[cfg.Dir] == nil {
			devices[cfg.Dir] = NewDevice(cfg.Capacity)
		}
		p, err := Open(Config{Device: devices[cfg.Dir], ArenaSize: cfg.ArenaSize, Depth: cfg.Depth})
		require.NoError(t, err)
		return p
	}
}

func TestSuite(t *testing.T)  { iotest.Run(t, disks()) }
func TestAllocs(t *testing.T) { iotest.Allocs(t, disks()) }

func BenchmarkWrite(b *testing.B) { iotest.Bench(b, "mem", disks()) }

func TestOpenRefuses(t *testing.T) {
	_, err := Open(Config{Device: NewDevice(64 << 10), Capacity: 128 << 10})
	require.ErrorContains(t, err, "device has 65536")
	_, err = Open(Config{Capacity: 5000, Depth: -1})
	require.ErrorContains(t, err, "capacity")
	require.ErrorContains(t, err, "depth")
	require.Panics(t, func() { NewDevice(100) })
}

func TestBytesIsTheDevice(t *testing.T) {
	d := NewDevice(64 << 10)
	p, err := Open(Config{Device: d, ArenaSize: 64 << 10})
	require.NoError(t, err)
	require.Equal(t, iopath.None, p.Geometry().Durability)
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 2, 1, 0xab, nil)))
	require.Equal(t, byte(0xab), d.Bytes()[2*iopath.BlockSize])
	require.NoError(t, p.Close())
}
