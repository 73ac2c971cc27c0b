package trace

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Summary is what a trace holds. The distinct blocks are kept in memory to be
// counted, some tens of bytes each.
type Summary struct {
	Accesses  int64            `json:"accesses"`  // by readers, for blocks
	Kinds     map[string]int64 `json:"kinds"`     // all accesses, by kind
	Bytes     int64            `json:"bytes"`     // of the blocks that readers asked for
	Blocks    int64            `json:"blocks"`    // distinct ones that readers asked for
	Footprint int64            `json:"footprint"` // their bytes
	Objects   int64            `json:"objects"`   // of these blocks
	Streams   int64            `json:"streams"`
	Readers   int64            `json:"readers"` // distinct pairs of stream and reader
	MissRatio float64          `json:"miss_ratio"`
	// IndexBytes are of index loads: misses and prefetches.
	IndexBytes int64 `json:"index_bytes"`
	DurationNs int64 `json:"duration_ns"` // from the first access to the last
	Lost       int64 `json:"lost"`        // accesses that are not in the file
	Complete   bool  `json:"complete"`    // the recording was ended in order
}

// block names one.
type block struct{ object, position int64 }

// tally counts distinct things.
type tally struct {
	blocks  map[block]struct{}
	objects map[int64]struct{}
	streams map[int64]struct{}
	readers map[[2]uint64]struct{}
}

// Summarize reads a trace to its end.
func Summarize(r io.Reader) (Summary, error) {
	t, err := NewReader(r)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Kinds: map[string]int64{}}
	for _, k := range Kinds {
		s.Kinds[k.String()] = 0
	}
	seen := tally{map[block]struct{}{}, map[int64]struct{}{}, map[int64]struct{}{}, map[[2]uint64]struct{}{}}
	first, last := int64(0), int64(0)
	for n := 0; ; n++ {
		a, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		if n == 0 {
			first = a.Time
		}
		last = max(last, a.Time)
		s.add(a, &seen)
	}
	s.Blocks, s.Objects = int64(len(seen.blocks)), int64(len(seen.objects))
	s.Streams, s.Readers = int64(len(seen.streams)), int64(len(seen.readers))
	if s.Accesses > 0 {
		s.MissRatio = float64(s.Kinds[Miss.String()]) / float64(s.Accesses)
	}
	s.DurationNs, s.Lost, s.Complete = max(0, last-first), t.Lost(), t.Complete()
	return s, nil
}

func (s *Summary) add(a Access, seen *tally) {
	s.Kinds[a.Kind.String()]++
	if a.Kind == IndexMiss || a.Kind == IndexPrefetch {
		s.IndexBytes += int64(a.Size)
	}
	if !a.Kind.Demand() {
		return
	}
	s.Accesses++
	s.Bytes += int64(a.Size)
	key := block{a.Object, a.Position}
	if _, again := seen.blocks[key]; !again {
		seen.blocks[key] = struct{}{}
		s.Footprint += int64(a.Size)
	}
	seen.objects[a.Object] = struct{}{}
	seen.streams[a.Stream] = struct{}{}
	seen.readers[[2]uint64{uint64(a.Stream), a.Reader}] = struct{}{}
}

// Print writes the summary as text, a fact a line.
func (s Summary) Print(w io.Writer) {
	fmt.Fprintf(w, "accesses   %d of readers, %d bytes, over %v\n", s.Accesses, s.Bytes, time.Duration(s.DurationNs).Round(time.Millisecond))
	fmt.Fprintf(w, "blocks     %d distinct, %d bytes (the footprint), in %d objects\n", s.Blocks, s.Footprint, s.Objects)
	fmt.Fprintf(w, "streams    %d, read by %d readers\n", s.Streams, s.Readers)
	fmt.Fprintf(w, "misses     %d, a ratio of %.4f\n", s.Kinds[Miss.String()], s.MissRatio)
	fmt.Fprintf(w, "prefetched %d blocks\n", s.Kinds[Prefetch.String()])
	fmt.Fprintf(w, "indexes    %d hits, %d misses, %d prefetched, %d bytes loaded\n",
		s.Kinds[IndexHit.String()], s.Kinds[IndexMiss.String()], s.Kinds[IndexPrefetch.String()], s.IndexBytes)
	fmt.Fprintf(w, "lost       %d accesses came faster than they could be written\n", s.Lost)
	if !s.Complete {
		fmt.Fprintln(w, "end        missing: the broker was killed, or is still recording")
	}
}
