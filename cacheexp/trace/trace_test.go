package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func record(accesses ...Access) []byte {
	var out bytes.Buffer
	r := NewRecorder(&out)
	for _, a := range accesses {
		r.Record(a)
	}
	if err := r.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// block n of object 1, asked for at a second.
func ask(kind Kind, second, n int64) Access {
	return Access{Kind: kind, Size: 100, Time: 5e9 + second*1e9, Stream: 3, Reader: 9, Object: 1, Position: n * 100, Start: n, End: n + 1}
}

// TestGolden holds the bytes against the picture in the package comment.
func TestGolden(t *testing.T) {
	got := record(Access{Kind: Miss, Size: 0x102, Time: 0x304, Stream: 0x506, Reader: 0x708, Object: 0x90a, Position: 0xb0c, Start: 0xd0e, End: 0xf10, Pages: 0x111213})
	require.Equal(t, hex.EncodeToString([]byte("TideTrce"))+"00000002"+"00000040"+
		"02111213"+"00000102"+"0000000000000304"+"0000000000000506"+"0000000000000708"+"000000000000090a"+
		"0000000000000b0c"+"0000000000000d0e"+"0000000000000f10"+
		"ff00000000000000"+"0000000000000001"+"0000000000000000"+strings.Repeat("00", 40), hex.EncodeToString(got))
}

func readAll(b []byte) (out []Access, r *Reader, err error) {
	r, err = NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	for {
		a, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r, nil
		}
		if err != nil {
			return out, r, err
		}
		out = append(out, a)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []Access
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			start := rapid.Int64Range(0, 1<<60).Draw(t, "start")
			in = append(in, Access{
				Kind: rapid.SampledFrom(Kinds).Draw(t, "kind"), Size: rapid.Int32Range(1, 1<<30).Draw(t, "size"),
				Time: rapid.Int64().Draw(t, "time"), Stream: rapid.Int64().Draw(t, "stream"), Reader: rapid.Uint64().Draw(t, "reader"),
				Object: rapid.Int64().Draw(t, "object"), Position: rapid.Int64Range(0, 1<<62).Draw(t, "position"),
				Start: start, End: start + rapid.Int64Range(0, 100).Draw(t, "records"),
				Pages: rapid.Int32Range(0, mostPages).Draw(t, "pages"),
			})
		}
		out, r, err := readAll(record(in...))
		require.NoError(t, err)
		require.Equal(t, in, out)
		require.True(t, r.Complete())
		require.Zero(t, r.Lost())
	})
}

// gate lets nothing through until it is opened.
type gate struct {
	open chan struct{}
	bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(p)
}

// TestNeverWaits: with a file that takes nothing, Record returns all the same,
// and what did not fit is counted, in the file too.
func TestNeverWaits(t *testing.T) {
	const queued, asked = 10, 10_000 // more than queue and buffer hold together
	g := &gate{open: make(chan struct{})}
	r := newRecorder(g, queued)
	for i := range int64(asked) {
		r.Record(ask(Hit, 0, i))
	}
	require.Positive(t, r.Totals().Lost)
	close(g.open)
	require.NoError(t, r.Close())
	r.Record(ask(Hit, 0, 0)) // after the end
	r.Record(ask(Hit, 0, 0))
	total := r.Totals()
	require.EqualValues(t, asked+2, total.Accesses+total.Lost)
	require.NoError(t, r.Close(), "again")

	out, reader, err := readAll(g.Bytes())
	require.NoError(t, err)
	require.Len(t, out, int(total.Accesses))
	require.Equal(t, total.Lost-2, reader.Lost())
	require.True(t, reader.Complete())
}

// full is a disk with room for so many bytes.
type full struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if f.Len()+len(p) > f.room {
		return 0, errFull
	}
	return f.Buffer.Write(p)
}

func TestDiskFull(t *testing.T) {
	f := &full{room: headerSize + 3*itemSize}
	r := NewRecorder(f)
	for i := range int64(100_000) {
		r.Record(ask(Hit, 0, i))
	}
	require.ErrorIs(t, r.Close(), errFull)
	require.Positive(t, r.Totals().Lost)
	require.EqualValues(t, 100_000, r.Totals().Accesses+r.Totals().Lost)
}

// TestKilled: whatever a kill leaves of the last item, the rest can be read.
func TestKilled(t *testing.T) {
	whole := record(ask(Miss, 0, 1), ask(Hit, 1, 1))
	for cut := headerSize; cut < len(whole); cut++ {
		out, r, err := readAll(whole[:cut])
		require.NoError(t, err)
		require.Len(t, out, min(2, (cut-headerSize)/itemSize))
		require.False(t, r.Complete())
	}
	for cut := range headerSize {
		_, _, err := readAll(whole[:cut])
		require.ErrorIs(t, err, ErrFormat)
	}
}

func TestRefused(t *testing.T) {
	whole := record(ask(Miss, 0, 1))
	set := func(at int, v byte) []byte {
		b := bytes.Clone(whole)
		b[at] = v
		return b
	}
	for want, b := range map[string][]byte{
		"want magic":               set(0, 'x'),
		"want version 2, found 3":  set(11, 3),
		"want items of 64 bytes":   set(15, 65),
		"position 16: not a trace": set(headerSize, 77),
		"want a size of 1":         set(headerSize+4, 0xff),
		"want a position":          set(headerSize+40, 0xff),
		"ends before the largest":  record(Access{Kind: Miss, Size: 2, Position: math.MaxInt64 - 1}),
		"position 80: not a trace of a block cache: a mark says 2 accesses, 1 stand before it": set(headerSize+itemSize+15, 2),
		"counts of 0 or more": set(headerSize+itemSize+16, 0xff),
		"position 144: not a trace of a block cache: something stands behind the end": append(bytes.Clone(whole), whole[headerSize:headerSize+itemSize]...),
	} {
		_, _, err := readAll(b)
		require.ErrorIs(t, err, ErrFormat, want)
		require.ErrorContains(t, err, want)
	}
}

// TestWriter: what waits for its file writes what a recorder does.
func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	require.NoError(t, w.Write(ask(Commit, 0, 1)))
	require.NoError(t, w.Write(ask(Miss, 1, 1)))
	require.NoError(t, w.Close())
	require.Equal(t, record(ask(Commit, 0, 1), ask(Miss, 1, 1)), out.Bytes())
}

// sample has three blocks; number 1 is asked for again at once and at the end.
func sample() []byte {
	return record(ask(IndexMiss, 0, 0), ask(Miss, 0, 1), ask(Prefetch, 0, 2), ask(Hit, 1, 1), ask(Hit, 2, 2), ask(Miss, 3, 7), ask(IndexHit, 3, 0), ask(Hit, 4, 1))
}

func TestSummary(t *testing.T) {
	s, err := Summarize(bytes.NewReader(sample()))
	require.NoError(t, err)
	require.Equal(t, Summary{
		Accesses: 5, Bytes: 500, Blocks: 3, Footprint: 300, Objects: 1, Streams: 1, Readers: 1, MissRatio: 0.4,
		IndexBytes: 100, DurationNs: 4e9, Complete: true,
		Kinds: map[string]int64{"hit": 3, "miss": 2, "prefetch": 1, "index hit": 1, "index miss": 1, "index prefetch": 0, "rescue": 0, "refused": 0, "drop": 0, "pushed": 0, "commit": 0},
	}, s)
	var text strings.Builder
	s.Print(&text)
	require.Contains(t, text.String(), "blocks     3 distinct, 300 bytes (the footprint), in 1 objects")
	require.NotContains(t, text.String(), "missing")
	s, err = Summarize(bytes.NewReader(record()))
	require.NoError(t, err)
	require.Zero(t, s.Accesses)
}

func convert(t *testing.T, in []byte, format string) []byte {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	_, err = Convert(bytes.NewReader(in), format, out)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	b, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	return b
}

func TestConvert(t *testing.T) {
	require.Equal(t, "time,obj_id,obj_size\n0,1,100\n1,1,100\n2,2,100\n3,3,100\n4,1,100\n", string(convert(t, sample(), CSV)))
	b := convert(t, sample(), OracleGeneral)
	require.Len(t, b, 5*24)
	var next []int64
	for i := range 5 {
		item := b[i*24:]
		require.EqualValues(t, []int{0, 1, 2, 3, 4}[i], binary.LittleEndian.Uint32(item))
		require.EqualValues(t, []int{1, 1, 2, 3, 1}[i], binary.LittleEndian.Uint64(item[4:]))
		require.EqualValues(t, 100, binary.LittleEndian.Uint32(item[12:]))
		next = append(next, int64(binary.LittleEndian.Uint64(item[16:])))
	}
	require.Equal(t, []int64{1, 4, -1, -1, -1}, next)
	lossy := append(record()[:headerSize], appendMark(nil, lostMark, Totals{Lost: 7})...)
	out, err := os.Create(filepath.Join(t.TempDir(), "lossy"))
	require.NoError(t, err)
	totals, err := Convert(bytes.NewReader(append(lossy, record(ask(Miss, 0, 1))[headerSize:headerSize+itemSize]...)), CSV, out)
	require.NoError(t, errors.Join(err, out.Close()))
	require.Equal(t, Totals{Accesses: 1, Lost: 7}, totals)
	_, err = Convert(bytes.NewReader(sample()), "xml", nil)
	require.ErrorContains(t, err, "want csv or oracleGeneral")
}

// TestConvertFarBack: the next request of one that is in the file already.
func TestConvertFarBack(t *testing.T) {
	const n = 2*oracleHeld + 5
	var in bytes.Buffer
	in.Write(header())
	for i := range int64(n) {
		in.Write(appendAccess(nil, ask(Miss, 0, i)))
	}
	in.Write(appendAccess(nil, ask(Hit, 1, 3)))
	b := convert(t, in.Bytes(), OracleGeneral)
	require.Len(t, b, (n+1)*24)
	require.EqualValues(t, n, binary.LittleEndian.Uint64(b[3*24+16:]))
	require.EqualValues(t, -1, int64(binary.LittleEndian.Uint64(b[4*24+16:])))
}

// FuzzReader: any bytes are a trace or a clear error; what is read can be
// summed up and converted.
func FuzzReader(f *testing.F) {
	f.Add(sample())
	f.Add(sample()[:200])
	f.Add(appendMark(header(), lostMark, Totals{Lost: 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, r, err := readAll(b)
		s, errSum := Summarize(bytes.NewReader(b))
		require.Equal(t, err != nil, errSum != nil)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			return
		}
		require.Equal(t, r.Lost(), s.Lost)
		again, _, err := readAll(record(out...))
		require.NoError(t, err)
		require.Equal(t, out, again)
	})
}
