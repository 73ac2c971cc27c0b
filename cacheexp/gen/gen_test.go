package gen_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/gen"
	"github.com/tidelog/tide/cacheexp/trace"
)

func all(t testing.TB, spec string) []trace.Access {
	g, err := gen.New(spec)
	require.NoError(t, err)
	var out []trace.Access
	for {
		a, err := g.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, a)
	}
}

const smallLog = "log?streams=3&rate=8MiB/s&backlog=32MiB&duration=10s&groups=2&catchup=2&lag=1s"

// TestDeterministic: the spec says everything, the seed included; times never go
// back; sizes are in the range.
func TestDeterministic(t *testing.T) {
	for _, spec := range []string{
		"zipf?objects=1000&requests=5000", "scanmix?objects=100&cold=500&requests=5000", smallLog,
	} {
		sep := "&"
		once, again, other := all(t, spec), all(t, spec), all(t, spec+sep+"seed=2")
		require.Equal(t, once, again, spec)
		require.NotEqual(t, once, other, spec)
		last, sizes := int64(0), map[int32]bool{}
		for _, a := range once {
			require.GreaterOrEqual(t, a.Time, last, spec)
			require.True(t, a.Size >= 64<<10 && a.Size <= 1<<20, "%s: %d", spec, a.Size)
			last, sizes[a.Size] = a.Time, true
		}
		require.Greater(t, len(sizes), 1, spec)
	}
}

func TestSpecs(t *testing.T) {
	for spec, want := range map[string]string{
		"pareto":                    "known: log, scanmix, zipf",
		"zipf?objects=0":            "objects=0: want a number from 1",
		"zipf?objects=1.5":          "want a whole number",
		"zipf?alpha=NaN":            "alpha=NaN",
		"zipf?streams=3":            `unknown key "streams" (known: format, alpha`,
		"zipf?alpha=1&alpha=2":      "alpha is given 2 times",
		"zipf?block=1MiB..64KiB":    "want SIZE or SIZE..SIZE",
		"zipf?block=1KiB":           "from 4KiB",
		"zipf?format=xml":           "want tide, csv, oracleGeneral",
		"log?groups=0&catchup=0":    "nobody reads",
		"log?upload=1h&rate=1GiB/s": "an object of",
		"log?duration=0s":           "duration=0s",
		"log?backlog=1024TiB&block=4KiB&streams=1&rate=1KiB/s": "more than 73 years",
		"zipf?%zz":                          "invalid URL escape",
		"zipf?objects=0&requests=0&alpha=x": "requests=0",
	} {
		_, err := gen.New(spec)
		require.ErrorContains(t, err, want, spec)
	}
}

// TestZipf: the k-th block comes up 1/k^alpha as often as the first.
func TestZipf(t *testing.T) {
	const objects, requests = 1000, 300_000
	for alpha, spec := range map[float64]string{0: "0", 0.6: "0.6", 1: "1", 1.3: "1.3"} {
		count := make([]float64, objects+1)
		for _, a := range all(t, "zipf?objects=1000&requests=300000&alpha="+spec) {
			count[a.Object]++
		}
		sum := 0.0
		for k := 1; k <= objects; k++ {
			sum += math.Pow(float64(k), -alpha)
		}
		for _, k := range []int{1, 2, 3, 10, 100} {
			want := requests * math.Pow(float64(k), -alpha) / sum
			require.InDelta(t, want, count[k], 5*math.Sqrt(want)+1, "alpha %v, rank %d", alpha, k)
		}
	}
}

// TestScanMix: each scan goes through the cold area in order, round and round.
func TestScanMix(t *testing.T) {
	next, hot := map[uint64]int64{}, 0
	for _, a := range all(t, "scanmix?objects=100&cold=300&scans=3&scan=0.5&requests=4000") {
		if a.Stream == 0 {
			hot++
			continue
		}
		if want, begun := next[a.Reader]; begun {
			require.Equal(t, want, a.Start)
		}
		next[a.Reader] = a.End % 300
	}
	require.Len(t, next, 3)
	require.InDelta(t, 2000, hot, 200)
}

// TestLog: a block is read after the object that holds it was committed; readers
// walk; groups stay their lag behind and catch-ups reach them; blocks of an object
// leave no gaps.
func TestLog(t *testing.T) {
	type at struct{ object, position int64 }
	type who struct {
		stream int64
		reader uint64
	}
	committed, next, begun := map[at]bool{}, map[who]int64{}, map[who]int64{}
	ends := map[int64]int64{}
	caught := map[who]bool{}
	made, written := all(t, smallLog), int64(math.MaxInt64) // the first object that was not there at the beginning
	for _, a := range made {
		if a.Kind == trace.Commit {
			written = min(written, a.Object)
		}
	}
	for _, a := range made {
		if a.Kind == trace.Commit {
			require.Equal(t, ends[a.Object], a.Position)
			ends[a.Object] += int64(a.Size)
			committed[at{a.Object, a.Position}] = true
			continue
		}
		w := who{a.Stream, a.Reader}
		if _, known := next[w]; known {
			require.Equal(t, next[w], a.Start)
		} else {
			begun[w] = a.Start
		}
		next[w] = a.End
		if a.Object >= written {
			require.True(t, committed[at{a.Object, a.Position}], "%+v", a)
			caught[w] = true
		}
	}
	require.Len(t, next, 3*4)
	for s := int64(1); s <= 3; s++ {
		require.Zero(t, begun[who{s, 3}])
		require.Zero(t, begun[who{s, 4}])
		require.Positive(t, begun[who{s, 1}])
		require.GreaterOrEqual(t, next[who{s, 1}], next[who{s, 2}], "group 2 is behind group 1")
		require.True(t, caught[who{s, 4}], "the faster catch-up has reached the written part")
	}
}

// TestWrite makes a file in each format.
func TestWrite(t *testing.T) {
	made := all(t, smallLog)
	demand := 0
	for _, a := range made {
		if a.Kind.Demand() {
			demand++
		}
	}
	for _, format := range []string{"tide", "csv", "oracleGeneral"} {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		require.NoError(t, err)
		g, err := gen.New(smallLog + "&format=" + format)
		require.NoError(t, err)
		n, err := g.Write(f, func() error { return nil })
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.EqualValues(t, demand, n)
		b, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		switch format {
		case "tide":
			s, err := trace.Summarize(bytes.NewReader(b))
			require.NoError(t, err)
			require.True(t, s.Complete)
			require.EqualValues(t, demand, s.Accesses)
			require.EqualValues(t, 12, s.Readers)
		case "csv":
			require.Equal(t, demand+1, strings.Count(string(b), "\n"))
		default:
			require.Len(t, b, 24*demand)
			require.EqualValues(t, made[0].Size, binary.LittleEndian.Uint32(b[12:]))
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	g, err := gen.New("zipf")
	require.NoError(t, err)
	_, err = g.Write(nowhere{}, ended.Err)
	require.ErrorIs(t, err, context.Canceled)
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// TestStreamed: ten times the requests take no more memory.
func TestStreamed(t *testing.T) {
	grown := func(spec string) int64 {
		g, err := gen.New(spec)
		require.NoError(t, err)
		_, err = g.Write(nowhere{}, func() error { return nil })
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		g, err = gen.New(spec)
		require.NoError(t, err)
		w := trace.NewWriter(io.Discard)
		for {
			a, err := g.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, w.Write(a))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(g)
		return int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	for _, spec := range []string{"zipf?objects=1e6&requests=1e6", "log?duration=600s&catchup=2"} {
		require.Less(t, grown(spec), int64(4<<20), spec)
	}
}

// FuzzNew: any spec is a generator or a clear error.
func FuzzNew(f *testing.F) {
	for _, spec := range []string{"zipf", smallLog, "scanmix?scan=0.1&scans=2", "log?block=4KiB&rate=1GiB/s&upload=1ms", "zipf?alpha=1e-9&objects=1"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		g, err := gen.New(spec)
		if err != nil {
			require.ErrorContains(t, err, "generator")
			return
		}
		last := int64(0)
		for range 1000 {
			a, err := g.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			require.Positive(t, a.Size)
			require.GreaterOrEqual(t, a.Time, last)
			require.True(t, a.Position >= 0 && a.Start >= 0 && a.End >= a.Start, "%+v", a)
			last = a.Time
		}
	})
}

// TestRate: requests come 1/rate apart, and a rate may be written as flags take it.
func TestRate(t *testing.T) {
	for _, rate := range []string{"500", "500/s"} {
		items := all(t, "zipf?objects=9&requests=3&rate="+rate)
		require.Len(t, items, 3)
		require.EqualValues(t, 4e6, items[2].Time, rate)
	}
}
