package fault

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tidelog/tide/iopath"
)

// CrashOptions bounds the images that CrashImages makes.
type CrashOptions struct {
	// Rand chooses where not all can be had. Default a fixed seed. Whoever
	// wants to repeat a failure prints the seed.
	Rand *rand.Rand
	// PerCut is how many images a moment has at most. All subsets of the
	// undecided blocks if they are no more than that, else a choice. Default 8.
	PerCut int
	// Cuts is how many moments at most, chosen by Rand. Default all.
	Cuts int
}

// Crash is one way in which a power cut may have left the device.
type Crash struct {
	// Image is the device's content. It is the callee's to change, and is used
	// again after it returns.
	Image []byte
	// Cut is the moment: so many events had happened.
	Cut int
	// Marks are those made before the cut, in order.
	Marks []any
	// Undecided are the blocks that may be there or not, in order of
	// submission, and Present those that are.
	Undecided, Present int
	// Blocks has a 1 for each undecided block that is there, else a 0.
	Blocks string
}

// String names the crash in a test's message.
func (c Crash) String() string {
	return fmt.Sprintf("power cut after %d events, %d of %d undecided blocks present (%s)",
		c.Cut, c.Present, c.Undecided, c.Blocks)
}

// CrashImages calls fn with images of the device that a power cut at any
// moment could have left, and stops at the first error, to which it adds the
// crash. Of a moment with many undecided blocks it takes none, all, prefixes
// in order of submission, all but one, and random subsets.
//
// Two writes in flight to the same block are applied in order of submission;
// a WAL never has two.
func (r *Recorder) CrashImages(o CrashOptions, fn func(Crash) error) error {
	r.mu.Lock()
	// Later events do not change what is here: slices only grow.
	walk := &walker{options: o, fn: fn, events: r.events, writes: slices.Clone(r.writes), stable: bytes.Clone(r.base)}
	r.mu.Unlock()
	if o.Rand == nil {
		walk.options.Rand = rand.New(rand.NewPCG(1, 1))
	}
	if o.PerCut == 0 {
		walk.options.PerCut = 8
	}
	walk.image = make([]byte, len(walk.stable))
	return walk.run()
}

// walker goes along the events and keeps the part of the device that is decided.
type walker struct {
	options CrashOptions
	fn      func(Crash) error
	events  []event
	writes  []recorded
	stable  []byte // base and every completed write
	image   []byte // what fn gets
	pending []int  // ids of writes in flight or failed, in order of submission
	marks   []any
}

func (w *walker) run() error {
	chosen := w.chooseCuts()
	for cut := 0; cut <= len(w.events); cut++ {
		if cut > 0 {
			w.step(w.events[cut-1])
		}
		if chosen != nil && !chosen[cut] {
			continue
		}
		if err := w.cut(cut); err != nil {
			return err
		}
	}
	return nil
}

// chooseCuts returns the moments to cut at; nil is all of them.
func (w *walker) chooseCuts() map[int]bool {
	moments := len(w.events) + 1
	if w.options.Cuts == 0 || w.options.Cuts >= moments {
		return nil
	}
	chosen := map[int]bool{}
	for _, cut := range w.options.Rand.Perm(moments)[:w.options.Cuts] {
		chosen[cut] = true
	}
	return chosen
}

func (w *walker) step(e event) {
	switch e.kind {
	case submitted:
		w.pending = append(w.pending, e.id)
	case completed:
		if wr := w.writes[e.id]; !wr.failed {
			copy(w.stable[wr.pos:], wr.data)
			w.pending = slices.DeleteFunc(w.pending, func(id int) bool { return id == e.id })
		}
	case marked:
		w.marks = append(w.marks, e.mark)
	}
}

// undecided is a block that may be on the device or not.
type undecided struct {
	pos  int64
	data []byte
}

func (w *walker) cut(cut int) error {
	var blocks []undecided
	for _, id := range w.pending {
		wr := w.writes[id]
		for i := 0; i < len(wr.data); i += iopath.BlockSize {
			blocks = append(blocks, undecided{wr.pos + int64(i), wr.data[i : i+iopath.BlockSize]})
		}
	}
	for _, subset := range w.subsets(len(blocks)) {
		c := w.crash(cut, blocks, subset)
		if err := w.fn(c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

func (w *walker) crash(cut int, blocks []undecided, subset []bool) Crash {
	copy(w.image, w.stable)
	c := Crash{Image: w.image, Cut: cut, Marks: w.marks[:len(w.marks):len(w.marks)], Undecided: len(blocks)}
	text := make([]byte, len(blocks))
	for i, b := range blocks {
		text[i] = '0'
		if subset[i] {
			text[i] = '1'
			c.Present++
			copy(w.image[b.pos:], b.data)
		}
	}
	c.Blocks = string(text)
	return c
}

// subsets of n blocks: all of them if they are few, else a choice.
func (w *walker) subsets(n int) [][]bool {
	limit := w.options.PerCut
	if n < 20 && 1<<n <= limit {
		var all [][]bool
		for bits := range 1 << n {
			all = append(all, subset(n, func(i int) bool { return bits>>i&1 == 1 }))
		}
		return all
	}
	rng := w.options.Rand
	chosen := [][]bool{subset(n, func(int) bool { return false }), subset(n, func(int) bool { return true })}
	for len(chosen) < limit {
		at := rng.IntN(n)
		switch len(chosen) % 3 {
		case 0:
			chosen = append(chosen, subset(n, func(int) bool { return rng.IntN(2) == 0 }))
		case 1:
			chosen = append(chosen, subset(n, func(i int) bool { return i != at }))
		case 2:
			chosen = append(chosen, subset(n, func(i int) bool { return i < at }))
		}
	}
	return chosen[:limit]
}

func subset(n int, present func(i int) bool) []bool {
	s := make([]bool, n)
	for i := range s {
		s[i] = present(i)
	}
	return s
}
