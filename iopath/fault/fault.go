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
