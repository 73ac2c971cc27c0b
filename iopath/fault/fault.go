// Package fault wraps any Path and does to it what disks do: fail, tear a
// write, lose one, answer late or out of order, or never. It also records what
// was written when, and from that makes every image of the device that a power
// cut could have left (Recorder, CrashImages).
//
//	caller ──▶ fault.Path ──▶ inner Path
//	             │  rule matches?  Error  nothing reaches the device, the write fails
//	             │                 Torn   some of its 4 KiB blocks reach the device
//	             │                 Lost   nothing does, and the write succeeds: a lying disk
//	             │                 Delay  completes after others that came later
//	             │                 Hang   nothing happens until Release
//	             └─ Recorder: Submit, completion, and the test's own marks, in order
package fault

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tidelog/tide/iopath"
)

// Kind of a fault.
type Kind int

// The kinds of faults; the package comment says what each does.
const (
	Error Kind = iota + 1
	Torn
	Lost
	Delay
	Hang
)

// Rule says which writes have a fault. Of several that match, the first given
// applies.
type Rule struct {
	Kind Kind
	// Nth counts the writes that match, from 1, since the rule was given. 0 is
	// each of them.
	Nth int
	// Match restricts the rule, to header writes for example. Default all.
	Match func(pos int64, length int) bool
	// Err is the result of the write. Default EIO for Error, and success for
	// the others. With Delay or Hang it makes a write that fails although its
	// bytes have reached the device.
	Err error
	// Keep says which blocks of a torn write reach the device. Default by
	// chance.
	Keep func(block int) bool
	// After is how many later completions come before a delayed one. It is not
	// delayed further when nothing else is left to complete. Default Depth.
	After int
}

// Config of a fault path.
type Config struct {
	// Rand decides what is left to chance. Default a fixed seed.
	Rand *rand.Rand
	// Rules from the start; Inject gives more.
	Rules []Rule
	// Reorder completes writes in random order.
	Reorder bool
	// Recorder, when set, records every write.
	Recorder *Recorder
	// OnFault, when set, is told of each write that a rule applies to, on the
	// submitter's goroutine: a test waits for the event instead of sleeping.
	// It must not call the Path.
	OnFault func(Kind, *iopath.Write)
	// ReadError, when set, may fail a read.
	ReadError func(pos int64, length int) error
}

// Path is a Path with faults. It has a latch of its own, since the inner path
// knows nothing of the failures invented here.
type Path struct {
	*iopath.Ledger
	inner iopath.Path
	cfg   Config
	woken atomic.Bool // the caller's Wake, not one of our own

	mu       sync.Mutex
	rules    []*activeRule
	hung     []*op // not submitted to inner
	ready    []*op // done, and not told yet
	told     int   // completions told so far
	inFlight int   // submitted to inner and not done
}

type activeRule struct {
	Rule
	seen int
}

// op is one of the caller's writes on its way.
type op struct {
	write *iopath.Write
	inner iopath.Write // what goes to the inner path, piece by piece if torn
	rest  [][2]int     // pieces of a torn write to come: from, to, in bytes
	err   error
	id    int // the recorder's
	after int // completions that come before this one
	due   int // told must have reached this
}

// Wrap returns inner with faults. Closing it closes inner.
func Wrap(inner iopath.Path, cfg Config) *Path {
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(1, 1))
	}
	p := &Path{
		Ledger: iopath.NewLedger("fault", inner.Geometry(), inner.Arena()),
		inner:  inner, cfg: cfg,
	}
	for _, r := range cfg.Rules {
		p.Inject(r)
	}
	return p
}

// Inject gives one more rule, for the writes submitted from now on.
func (p *Path) Inject(r Rule) {
	if r.Kind == Error && r.Err == nil {
		r.Err = syscall.EIO
	}
	if r.Kind == Delay && r.After == 0 {
		r.After = p.Geometry().Depth
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &activeRule{Rule: r})
}

// ClearRules drops all rules; what hangs stays so until Release.
func (p *Path) ClearRules() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Release lets the writes that hang go on to the device, and says how many.
func (p *Path) Release() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.hung)
	p.start(p.hung)
	p.hung = nil
	p.inner.Wake()
	return n
}

// Submit is part of iopath.Path.
func (p *Path) Submit(ws []*iopath.Write) error {
	if err := p.Admit(ws); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var passed []*op
	for _, w := range ws {
		o := &op{write: w, id: p.cfg.Recorder.submit(w)}
		if p.cfg.Reorder {
			o.after = p.cfg.Rand.IntN(p.Geometry().Depth + 1)
		}
		if p.apply(o) {
			passed = append(passed, o)
		}
	}
	p.start(passed)
	return nil
}

// apply gives o its fault, if a rule has one for it, and says whether it goes
// on to the device.
func (p *Path) apply(o *op) bool {
	w := o.write
	o.inner = iopath.Write{Pos: w.Pos, Buf: w.Buf, Done: func(*iopath.Write) { p.innerDone(o) }}
	r := p.match(w)
	if r == nil {
		return true
	}
	if p.cfg.OnFault != nil {
		p.cfg.OnFault(r.Kind, w)
	}
	o.err = r.Err
	switch r.Kind {
	case Delay:
		o.after = r.After
		return true
	case Hang:
		p.hung = append(p.hung, o)
		return false
	case Torn:
		o.rest = p.tear(r, len(w.Buf))
		if o.nextPiece() {
			return true
		}
	}
	p.finish(o)
	p.inner.Wake() // a reaper may wait for the device, which gets nothing
	return false
}

// match returns the rule for a write; every rule that could apply counts it.
func (p *Path) match(w *iopath.Write) *Rule {
	var found *Rule
	for _, r := range p.rules {
		if r.Match != nil && !r.Match(w.Pos, len(w.Buf)) {
			continue
		}
		r.seen++
		if found == nil && (r.Nth == 0 || r.Nth == r.seen) {
			found = &r.Rule
		}
	}
	return found
}

// tear chooses the runs of blocks that reach the device.
func (p *Path) tear(r *Rule, length int) (pieces [][2]int) {
	keep := r.Keep
	if keep == nil {
		keep = func(int) bool { return p.cfg.Rand.IntN(2) == 0 }
	}
	for from := 0; from < length; from += iopath.BlockSize {
		if keep(from / iopath.BlockSize) {
			pieces = append(pieces, [2]int{from, from + iopath.BlockSize})
		}
	}
	return pieces
}

// nextPiece points inner at the next piece of a torn write. They go one after
// the other, so that the inner depth is not exceeded.
func (o *op) nextPiece() bool {
	if len(o.rest) == 0 {
		return false
	}
	from, to := o.rest[0][0], o.rest[0][1]
	o.rest = o.rest[1:]
	o.inner.Pos, o.inner.Buf = o.write.Pos+int64(from), o.write.Buf[from:to]
	return true
}

// start submits to the inner path. The caller holds mu. An error of the inner
// path is the result of the writes, since ours were admitted already.
func (p *Path) start(ops []*op) {
	ws := make([]*iopath.Write, len(ops))
	for i, o := range ops {
		ws[i] = &o.inner
	}
	err := p.inner.Submit(ws)
	if err == nil {
		p.inFlight += len(ops)
		return
	}
	for _, o := range ops {
		o.err = err
		p.finish(o)
	}
	p.inner.Wake()
}

// innerDone runs inside of the inner Reap, which our Reap calls without mu.
func (p *Path) innerDone(o *op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if o.inner.Err != nil {
		o.err = o.inner.Err
	} else if o.nextPiece() {
		p.start([]*op{o})
		return
	}
	p.finish(o)
}

func (p *Path) finish(o *op) {
	o.due = p.told + o.after
	p.ready = append(p.ready, o)
}

// Reap is part of iopath.Path.
func (p *Path) Reap(min int) (int, error) {
	if err := p.StartReap(); err != nil {
		return 0, err
	}
	defer p.EndReap()
	n, wait := 0, 0
	for {
		if _, err := p.inner.Reap(wait); err != nil {
			return n, err
		}
		n += p.tellReady(min - n)
		if n >= min || p.woken.Swap(false) {
			return n, nil
		}
		if err := p.Hopeless(); err != nil {
			return n, err
		}
		wait = p.waitFor()
	}
}

// waitFor is how many completions of the device to wait for: none while there
// is something to tell.
func (p *Path) waitFor() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) > 0 && p.inFlight == 0 {
		return 0
	}
	return 1
}

func (p *Path) tellReady(min int) int {
	n := 0
	for {
		o := p.pick(n < max(min, 1))
		if o == nil {
			return n
		}
		p.Settle(o.write, o.err)
		p.cfg.Recorder.complete(o.id, o.write.Err)
		o.write.Done(o.write)
		n++
	}
}

// pick takes the next op to tell. One that is not due waits for others, unless
// there is nothing else to wait for and the reaper must get something.
func (p *Path) pick(must bool) *op {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := -1
	for i, o := range p.ready {
		if (o.due <= p.told || must && p.inFlight == 0) && (best < 0 || o.due < p.ready[best].due) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	o := p.ready[best]
	p.ready = slices.Delete(p.ready, best, best+1)
	p.told++
	return o
}

// Wake is part of iopath.Path.
func (p *Path) Wake() {
	p.woken.Store(true)
	p.inner.Wake()
}

// ReadAt is part of iopath.Path.
func (p *Path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	if p.cfg.ReadError != nil {
		if err := p.cfg.ReadError(pos, len(b)); err != nil {
			return 0, err
		}
	}
	return p.inner.ReadAt(b, pos)
}

// Close is part of iopath.Path. What hangs is released, for Close waits until
// it is on the device. The rest of a torn write that nobody reaped is lost.
func (p *Path) Close() error {
	if err := p.Shut(); err != nil {
		return err
	}
	p.Release()
	p.Wake()
	p.AwaitReaper()
	return p.inner.Close()
}
