package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// writer is a log in memory, as a broker writes it.
type writer struct {
	dev *mem.Device
	log *wal.WAL
	n   int64
}

func newWriter(t testing.TB, capacity int64) *writer {
	t.Helper()
	w := &writer{dev: mem.NewDevice(capacity)}
	p, err := mem.Open(mem.Config{Device: w.dev, ArenaSize: 1 << 20})
	require.NoError(t, err)
	w.log, err = wal.Open(wal.Config{Path: p, NodeID: 7, Clock: func() int64 { return 1000 }, Logger: quiet})
	require.NoError(t, err)
	require.NoError(t, w.log.Reset(context.Background(), 99))
	t.Cleanup(func() {
		require.NoError(t, w.log.Close(context.Background(), false))
		require.NoError(t, p.Close())
	})
	return w
}

func (w *writer) put(t testing.TB, body []byte) wal.Offset {
	t.Helper()
	s, err := w.log.Reserve(len(body))
	require.NoError(t, err)
	s.Fill(nil, body)
	w.log.Commit()
	return s.Offset
}

func (w *writer) batch(t testing.TB, size int) wal.Offset {
	t.Helper()
	w.n++
	return w.put(t, object.AppendBatch(nil, object.RecordBatch{
		StreamID: 233, Epoch: 3, BaseOffset: w.n * 2, Count: 2, Payload: bytes.Repeat([]byte{byte(w.n)}, size),
	}))
}

func (w *writer) scan(o Options) (Report, error) {
	image := w.dev.Bytes()
	return Reader(context.Background(), bytes.NewReader(image), "image", int64(len(image)), o)
}

func TestScan(t *testing.T) {
	w := newWriter(t, 1<<20)
	for i := range 3 {
		w.batch(t, 100+i)
	}
	var header *Header
	var records []Record
	r, err := w.scan(Options{
		Header: func(h *Header) error { header = h; return nil },
		Record: func(x Record) error { records = append(records, x); return nil },
	})
	require.NoError(t, err)
	require.Equal(t, &Header{Capacity: 1 << 20, TrimOffset: 1<<20 - 1, Version: 1000, WindowMax: 520192, NodeID: 7, NodeEpoch: 99}, header)
	require.Equal(t, header, r.Header)
	require.Equal(t, []Record{
		{1048576, 233, 3, 2, 2, 100, true}, {1052672, 233, 3, 4, 2, 101, true}, {1056768, 233, 3, 6, 2, 102, true},
	}, records)
	require.Equal(t, Report{Header: header, Start: 1048576, End: 1060864, Records: 3, Bytes: 402, Damage: []string{}}, r)
}

func TestForeignBodyIsDamage(t *testing.T) {
	w := newWriter(t, 1<<20)
	w.batch(t, 10)
	w.put(t, []byte("no batch"))
	var last Record
	r, err := w.scan(Options{Record: func(x Record) error { last = x; return nil }})
	require.ErrorIs(t, err, ErrDamaged)
	require.EqualValues(t, 1, r.Foreign)
	require.Equal(t, Record{Offset: 1052672, PayloadLen: 8}, last)
}

func TestDamage(t *testing.T) {
	// 100 blocks of a window of 16 KiB: what lies behind a hole was no write in flight.
	w := &writer{dev: mem.NewDevice(1 << 20)}
	p, err := mem.Open(mem.Config{Device: w.dev, ArenaSize: 1 << 20})
	require.NoError(t, err)
	w.log, err = wal.Open(wal.Config{Path: p, NodeID: 7, WindowInitial: 16 << 10, WindowLimit: 16 << 10, Logger: quiet})
	require.NoError(t, err)
	require.NoError(t, w.log.Reset(context.Background(), 1))
	for range 100 {
		w.batch(t, 4000)
	}
	require.NoError(t, w.log.Close(context.Background(), false))
	require.NoError(t, p.Close())
	hole := 8192 + 10*8192
	clear(w.dev.Bytes()[hole : hole+4096])
	r, err := w.scan(Options{})
	require.ErrorIs(t, err, ErrDamaged)
	require.NotErrorIs(t, err, ErrBusy)
	require.Len(t, r.Damage, 1)
	require.Positive(t, r.Lost)

	clear(w.dev.Bytes()[:100])
	w.dev.Bytes()[5000]++
	w.dev.Bytes()[100]++
	w.dev.Bytes()[4100]++
	r, err = w.scan(Options{})
	require.ErrorIs(t, err, ErrDamaged)
	require.Nil(t, r.Header)
	require.Contains(t, r.Damage[0], "both headers")
}

// A volume of another size: larger is no matter, shorter than its log is.
func TestOtherCapacity(t *testing.T) {
	w := newWriter(t, 256<<10)
	w.batch(t, 100)
	image := bytes.Clone(w.dev.Bytes())
	larger := append(bytes.Clone(image), make([]byte, 12345)...)
	r, err := Reader(context.Background(), bytes.NewReader(larger), "larger", int64(len(larger)), Options{})
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Records)
	r, err = Reader(context.Background(), bytes.NewReader(image), "shorter", 128<<10, Options{})
	require.ErrorIs(t, err, ErrDamaged)
	require.Contains(t, r.Damage[0], "written on a device of 262144 bytes")
	_, err = Reader(context.Background(), bytes.NewReader(image), "tiny", 9000, Options{})
	require.ErrorContains(t, err, "tiny")
}

// moving is a log that looks damaged on the first reads of a header and has
// changed each time, as one does whose broker runs.
type moving struct {
	images [][]byte
	reads  int // of the header; which image shows
}

func (m *moving) ReadAt(p []byte, pos int64) (int, error) {
	if pos == 0 {
		m.reads++
	}
	return copy(p, m.images[min(m.reads, len(m.images))-1][pos:]), nil
}

func TestALogThatMoves(t *testing.T) {
	w := newWriter(t, 1<<20)
	var images [][]byte
	for range attempts + 2 {
		w.batch(t, 100)
		w.put(t, []byte("no batch"))
		images = append(images, bytes.Clone(w.dev.Bytes()))
	}
	_, err := Reader(context.Background(), &moving{images: images}, "image", 1<<20, Options{})
	require.ErrorIs(t, err, ErrBusy)
	// It settles, and is damaged after all.
	_, err = Reader(context.Background(), &moving{images: images[:3]}, "image", 1<<20, Options{})
	require.ErrorIs(t, err, ErrDamaged)
	// It settles, and is well.
	well := newWriter(t, 1<<20)
	well.batch(t, 100)
	r, err := Reader(context.Background(), &moving{images: [][]byte{images[0], well.dev.Bytes()}}, "image", 1<<20, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Records)
}

func TestCallbacksEndAScan(t *testing.T) {
	w := newWriter(t, 1<<20)
	w.batch(t, 100)
	stop := errors.New("stop")
	_, err := w.scan(Options{Record: func(Record) error { return stop }})
	require.ErrorIs(t, err, stop)
	_, err = w.scan(Options{Header: func(*Header) error { return stop }})
	require.ErrorIs(t, err, stop)
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "wal")
	_, err := File(context.Background(), name, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(name, make([]byte, 1<<20), 0o400))
	r, err := File(context.Background(), name, Options{})
	require.NoError(t, err, "never written, so nothing is lost")
	require.Nil(t, r.Header)
	require.NoError(t, os.Chmod(name, 0o600))
	require.NoError(t, os.WriteFile(name, []byte("short"), 0o600))
	_, err = File(context.Background(), name, Options{})
	require.ErrorContains(t, err, name)
}

// FuzzScan: whatever stands in a file, a scan ends, and says the same twice.
func FuzzScan(f *testing.F) {
	w := newWriter(f, 64<<10)
	for i := range 5 {
		_ = w.log.Trim(w.batch(f, 3000+i))
	}
	require.NoError(f, w.log.Close(context.Background(), false)) // the trims' headers have landed
	image := w.dev.Bytes()
	f.Add(uint32(0), []byte{1}, false)
	f.Add(uint32(8192), []byte("\x87\x65\x43\x21\x7f\xff\xff\xff"), true)
	f.Fuzz(func(t *testing.T, at uint32, change []byte, lenient bool) {
		damaged := bytes.Clone(image)
		copy(damaged[int(at)%len(damaged):], change)
		scan := func() (Report, error) {
			return Reader(context.Background(), bytes.NewReader(damaged), "fuzzed", int64(len(damaged)), Options{Lenient: lenient})
		}
		first, err1 := scan()
		second, err2 := scan()
		require.Equal(t, first, second)
		require.Equal(t, err1 == nil, err2 == nil)
		require.NotErrorIs(t, err1, ErrBusy)
	})
}
