package fault

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/iotest"
	"github.com/tidelog/tide/iopath/mem"
)

const block = iopath.BlockSize

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// over wraps memory that is remembered by directory.
func over(cfg Config) iotest.Open {
	devices := map[string]*mem.Device{}
	return func(t testing.TB, c iotest.Config) iopath.Path {
		if devices[c.Dir] == nil {
			devices[c.Dir] = mem.NewDevice(c.Capacity)
		}
		inner, err := mem.Open(mem.Config{Device: devices[c.Dir], ArenaSize: c.ArenaSize, Depth: c.Depth})
		require.NoError(t, err)
		return Wrap(inner, cfg)
	}
}

// TestSuite holds without faults, and with those that break no promise.
func TestSuite(t *testing.T) {
	for name, cfg := range map[string]Config{
		"plain":    {},
		"reorder":  {Reorder: true},
		"delay":    {Rules: []Rule{{Kind: Delay, After: 3}}},
		"recorded": {Recorder: NewRecorder(make([]byte, 1<<20))},
	} {
		t.Run(name, func(t *testing.T) {
			iotest.Run(t, over(cfg))
		})
	}
}

func TestLatch(t *testing.T) {
	iotest.RunLatch(t, func(t testing.TB, cfg iotest.Config) (iopath.Path, func()) {
		p := over(Config{})(t, cfg).(*Path)
		return p, func() { p.Inject(Rule{Kind: Error}) }
	})
}

// disk is a device of 16 blocks with a fault path of depth 4 on it.
func disk(t *testing.T, cfg Config) (*Path, []byte) {
	d := mem.NewDevice(16 * block)
	inner, err := mem.Open(mem.Config{Device: d, ArenaSize: 16 * block, Depth: 4})
	require.NoError(t, err)
	p := Wrap(inner, cfg)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p, d.Bytes()
}

// marks is the first byte of each of the first n blocks.
func marks(device []byte, n int) []byte {
	var got []byte
	for i := range n {
		got = append(got, device[i*block])
	}
	return got
}

func TestErrorAtNthWrite(t *testing.T) {
	p, device := disk(t, Config{Rules: []Rule{{Kind: Error, Nth: 2, Err: syscall.ENOSPC}}})
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 0, 1, 1, nil)))
	err := iotest.Do(t, p, iotest.Write(p, 0, 1, 1, 2, nil))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorIs(t, err, iopath.ErrLatched)
	require.ErrorIs(t, p.Submit([]*iopath.Write{iotest.Write(p, 0, 2, 1, 3, nil)}), iopath.ErrLatched)
	require.Equal(t, []byte{1, 0, 0}, marks(device, 3))
}

// TestLatchCoversWhatLanded has a write that failed after its bytes landed,
// and one in flight beside it that landed well: both have failed.
func TestLatchCoversWhatLanded(t *testing.T) {
	p, device := disk(t, Config{Rules: []Rule{
		{Kind: Delay, Nth: 1, Err: syscall.EIO, After: 1}, {Kind: Delay, Nth: 2, After: 4},
	}})
	done := 0
	ws := []*iopath.Write{iotest.Write(p, 0, 0, 1, 1, &done), iotest.Write(p, 1, 1, 1, 2, &done)}
	require.NoError(t, p.Submit(ws))
	for done < 2 {
		_, err := p.Reap(1)
		require.NoError(t, err)
	}
	require.ErrorIs(t, ws[0].Err, iopath.ErrLatched)
	require.ErrorIs(t, ws[1].Err, iopath.ErrLatched)
	require.Equal(t, []byte{1, 2}, marks(device, 2))
}

func TestTornAndLost(t *testing.T) {
	p, device := disk(t, Config{Rules: []Rule{
		{Kind: Torn, Nth: 1, Keep: func(i int) bool { return i%2 == 1 }},
		{Kind: Lost, Match: func(pos int64, _ int) bool { return pos == 8*block }},
	}})
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 0, 5, 1, nil)))
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 8, 1, 2, nil)), "the disk lies")
	require.Equal(t, []byte{0, 1, 0, 1, 0}, marks(device, 5))
	require.Zero(t, device[8*block])
	p.ClearRules()
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 8, 1, 2, nil)))
	require.Equal(t, byte(2), device[8*block])
}

// TestHang has a write that does not complete until Release, and others that
// overtake it.
func TestHang(t *testing.T) {
	fired := make(chan Kind, 1)
	p, device := disk(t, Config{
		Rules:   []Rule{{Kind: Hang, Nth: 1}},
		OnFault: func(k Kind, _ *iopath.Write) { fired <- k },
	})
	done := 0
	require.NoError(t, p.Submit([]*iopath.Write{iotest.Write(p, 0, 0, 1, 1, &done)}))
	require.Equal(t, Hang, <-fired)
	require.NoError(t, iotest.Do(t, p, iotest.Write(p, 1, 1, 1, 2, nil)))
	n, err := p.Reap(0)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, []byte{0, 2}, marks(device, 2))

	returned := make(chan struct{})
	go func() {
		defer close(returned)
		for done == 0 {
			_, err := p.Reap(1)
			require.NoError(t, err)
		}
	}()
	require.Equal(t, 1, p.Release())
	<-returned
	require.Equal(t, []byte{1, 2}, marks(device, 2))
	require.Zero(t, p.Release())
}

func TestReorder(t *testing.T) {
	p, _ := disk(t, Config{Reorder: true, Rand: rand.New(rand.NewPCG(7, 7))})
	outOfOrder := false
	for range 20 {
		var order []int
		var ws []*iopath.Write
		for i := range 4 {
			w := iotest.Write(p, i, i, 1, 1, nil)
			w.Done = func(*iopath.Write) { order = append(order, i) }
			ws = append(ws, w)
		}
		require.NoError(t, p.Submit(ws))
		for len(order) < 4 {
			_, err := p.Reap(1)
			require.NoError(t, err)
		}
		require.ElementsMatch(t, []int{0, 1, 2, 3}, order)
		outOfOrder = outOfOrder || order[0] != 0
	}
	require.True(t, outOfOrder)
}

func TestReadError(t *testing.T) {
	p, _ := disk(t, Config{ReadError: func(pos int64, _ int) error {
		if pos == block {
			return syscall.EIO
		}
		return nil
	}})
	b := p.Arena()[:block]
	_, err := p.ReadAt(b, block)
	require.ErrorIs(t, err, syscall.EIO)
	_, err = p.ReadAt(b, 0)
	require.NoError(t, err)
}

func TestCloseReleases(t *testing.T) {
	d := mem.NewDevice(16 * block)
	inner, err := mem.Open(mem.Config{Device: d, ArenaSize: 16 * block})
	require.NoError(t, err)
	p := Wrap(inner, Config{Rules: []Rule{{Kind: Hang}}})
	require.NoError(t, p.Submit([]*iopath.Write{iotest.Write(p, 0, 0, 1, 6, nil)}))
	require.NoError(t, p.Close())
	require.Equal(t, byte(6), d.Bytes()[0])
}
