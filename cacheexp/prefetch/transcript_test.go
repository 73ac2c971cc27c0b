package prefetch_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/internal/units"
)

// TestTranscripts reads a strip of blocks. The command is the prefetcher's spec
// with block=SIZE and, if wanted, end=N blocks, room=SIZE and get=DURATION, the
// p99 of GETs. Each word is a number of a block that is read, and then
//
//	~    the block was on its way
//	!    it was proposed before, and is gone
//	@10ms the read comes so much after the one before (default 1ms)
//	#2   reader 2 reads it (default 0)
//
// Each line tells what was proposed, as blocks and in MiB.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			size, end, room, get := "1MiB", 1<<20, "0", "0s"
			d.MaybeScanArgs(t, "block", &size)
			d.MaybeScanArgs(t, "end", &end)
			d.MaybeScanArgs(t, "room", &room)
			d.MaybeScanArgs(t, "get", &get)
			p, err := prefetch.New(d.Cmd)
			require.NoError(t, err)
			w := &walker{p: p, known: map[int64]bool{}, strip: strip{end: int64(end)}}
			n, err := units.ParseSize(size)
			require.NoError(t, err)
			w.strip.size = int32(n)
			w.room, err = units.ParseSize(room)
			require.NoError(t, err)
			took, err := time.ParseDuration(get)
			require.NoError(t, err)
			var out strings.Builder
			for word := range strings.FieldsSeq(d.Input) {
				fmt.Fprintf(&out, "%s: %s\n", word, w.word(t, word, int64(took)))
			}
			return out.String()
		})
	})
}

func (w *walker) word(t *testing.T, word string, get int64) string {
	step, gone, isLate := time.Millisecond, false, false
	w.reader.ID = 0
	rest := word
	for _, mark := range []string{"#", "@", "!", "~"} {
		at := strings.LastIndex(rest, mark)
		if at < 0 {
			continue
		}
		arg := rest[at+1:]
		rest = rest[:at]
		var err error
		switch mark {
		case "#":
			w.reader.ID, err = strconv.ParseUint(arg, 10, 64)
		case "@":
			step, err = time.ParseDuration(arg)
		case "!":
			gone = true
		case "~":
			isLate = true
		}
		require.NoError(t, err, word)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	require.NoError(t, err, word)
	w.now += int64(step)
	got := w.read(n, func(a *prefetch.Access) { a.Late, a.GET, a.Hit = isLate, get, a.Hit && !gone })
	return ranges(got, int64(w.strip.size))
}

// ranges prints runs of numbers, and how much that is.
func ranges(blocks []int64, size int64) string {
	if len(blocks) == 0 {
		return "-"
	}
	var out []string
	for i := 0; i < len(blocks); {
		j := i
		for j+1 < len(blocks) && blocks[j+1] == blocks[j]+1 {
			j++
		}
		out = append(out, fmt.Sprintf("%d-%d", blocks[i], blocks[j]))
		i = j + 1
	}
	return fmt.Sprintf("%s (%g MiB)", strings.Join(out, " "), float64(int64(len(blocks))*size)/(1<<20))
}

// FuzzNew: any spec is a prefetcher or a clear error, and what a prefetcher
// proposes is known, ahead of the reader or around it, and named once.
func FuzzNew(f *testing.F) {
	for _, spec := range []string{"none", "fixed:3", "automq", "automq:2024", "linux:1MiB", "chunk:4MiB", "rate", "fixed:-1", "chunk:", ":", "linux:1e9"} {
		f.Add(spec, []byte{0, 1, 2, 3, 3, 9, 10, 200, 11})
	}
	f.Fuzz(func(t *testing.T, spec string, reads []byte) {
		p, err := prefetch.New(spec)
		if err != nil {
			require.ErrorContains(t, err, "prefetcher")
			return
		}
		w := &walker{p: p, known: map[int64]bool{}, strip: strip{size: 100 << 10, end: 64}, room: 8 << 20}
		for i, b := range reads[:min(len(reads), 200)] {
			w.reader.ID = uint64(b >> 7)
			w.now += int64(i) * 1e6
			seen := map[int64]bool{}
			for _, k := range w.read(int64(b%64), func(a *prefetch.Access) { a.Late = a.Hit && b&64 != 0 }) {
				require.False(t, seen[k], "block %d twice", k)
				require.True(t, k >= 0 && k < 64 && k != int64(b%64), "block %d at a read of %d", k, b%64)
				seen[k] = true
			}
		}
	})
}
