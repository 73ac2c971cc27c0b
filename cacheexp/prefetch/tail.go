package prefetch

import "slices"

const (
	tailKept  = 128 // GETs
	tailEvery = 16  // GETs after which the percentile is worked out again
)

// Tail keeps how long the latest GETs took, for Access.GET. The zero Tail is
// ready.
type Tail struct {
	ring [tailKept]int64
	n    int // GETs so far
	p99  int64
}

// Add notes a GET that has ended, ns.
func (t *Tail) Add(took int64) {
	t.ring[t.n%tailKept] = took
	if t.n++; t.n%tailEvery == 0 || t.n < tailEvery {
		sorted := t.ring
		kept := sorted[:min(t.n, tailKept)]
		slices.Sort(kept)
		t.p99 = kept[len(kept)*99/100]
	}
}

// P99 is what 99 of 100 of them took at most, as of a few GETs ago; 0: there was
// none.
func (t *Tail) P99() int64 { return t.p99 }
