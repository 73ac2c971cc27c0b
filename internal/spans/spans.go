// Package spans remembers when pieces of background work ran, so that what
// else was measured at those times can be told apart.
//
//	 ring of Capacity spans, the newest replaces the oldest
//	┌─────────────┬─────────────┬─────────────┬─────────────┐
//	│ 17: 3.1–3.9 │ 18: 3.7–4.4 │ 19: 4.5 –   │ 16: 2.2–3.0 │
//	└─────────────┴─────────────┴─────────────┴─────────────┘
//	                              goes on       next to go
package spans

import (
	"sync"
	"time"
)

// Capacity of a History. Whoever reads it once a second sees every piece of
// work that takes longer than a few milliseconds.
const Capacity = 256

// Span is one piece of work.
type Span struct {
	Start int64 `json:"start_ns"` // wall clock, ns since the epoch
	End   int64 `json:"end_ns"`   // 0: it still goes on
	Bytes int64 `json:"bytes"`    // moved by it; 0 while it goes on
}

// History holds the newest spans. The zero value is empty. Safe for concurrent
// use.
type History struct {
	mu    sync.Mutex
	ring  [Capacity]Span
	begun int64 // spans since the start; the last one's number
}

// Begin adds a span and returns its number, which is never 0.
func (h *History) Begin(at time.Time) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun++
	h.ring[h.begun%Capacity] = Span{Start: at.UnixNano()}
	return h.begun
}

// End completes a span. One that was replaced meanwhile is forgotten, and so is
// number 0, for work that did not begin.
func (h *History) End(number int64, at time.Time, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if number <= 0 || number <= h.begun-Capacity {
		return
	}
	s := &h.ring[number%Capacity]
	s.End, s.Bytes = at.UnixNano(), bytes
}

// Newest are the spans that are remembered, in the order of their beginning.
func (h *History) Newest() []Span {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(h.begun, Capacity)
	out := make([]Span, 0, n)
	for i := h.begun - n + 1; i <= h.begun; i++ {
		out = append(out, h.ring[i%Capacity])
	}
	return out
}
