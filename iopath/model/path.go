package model

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/iopath"
)

// Config of a modelled path.
type Config struct {
	// Volume that is modelled. One with a Name makes results simulated, and
	// slows reads too; one without only limits writes.
	Volume Volume
	// Seed of the service times.
	Seed uint64
	// Clock by which time passes; the path closes it. Default the system's.
	Clock Clock
}

// Stats counts since the path was opened.
type Stats struct {
	Writes, Bytes int64
	// Late are writes of which the inner path was not done when the model was:
	// the device is slower than what it is to stand for, and results with many
	// of them are not the model's.
	Late int64
}

// Path is a Path that takes as long as a volume would.
type Path struct {
	*iopath.Ledger
	inner iopath.Path
	cfg   Config
	clock Clock
	woken atomic.Bool // the caller's Wake, not an interrupt of our own

	mu      sync.Mutex
	queue   *Queue        // guarded by mu
	free    []*op         // guarded by mu
	pending []*op         // submitted and not told, by due; guarded by mu
	waiting time.Duration // the reaper sleeps until then, 0: it does not; guarded by mu
	stats   Stats         // guarded by mu

	starting []*op           // scratch of Submit; guarded by mu
	batch    []*iopath.Write // scratch of Submit; guarded by mu
}

// op is one write in flight, reused.
type op struct {
	write *iopath.Write
	inner iopath.Write
	due   time.Duration
	done  bool  // the inner path is done; guarded by mu
	err   error // of the inner path; guarded by mu
}

// Wrap returns inner with the volume's time. Closing it closes inner.
func Wrap(inner iopath.Path, cfg Config) (*Path, error) {
	if err := cfg.Volume.Validate(); err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		c, err := NewClock()
		if err != nil {
			return nil, err
		}
		cfg.Clock = c
	}
	g := inner.Geometry()
	g.IOPS = cfg.Volume.IOPS
	if cfg.Volume.Name != "" {
		g.Simulated = cfg.Volume.String()
	}
	p := &Path{
		Ledger: iopath.NewLedger("model", g, inner.Arena()),
		inner:  inner, cfg: cfg, clock: cfg.Clock,
		queue: NewQueue(cfg.Volume, cfg.Seed), pending: make([]*op, 0, g.Depth),
	}
	for range g.Depth {
		o := &op{}
		o.inner.Done = func(*iopath.Write) { p.innerDone(o) }
		p.free = append(p.free, o)
	}
	return p, nil
}

// Stats returns the counters.
func (p *Path) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Submit is part of iopath.Path. The inner path gets the writes at once.
func (p *Path) Submit(ws []*iopath.Write) error {
	if err := p.Admit(ws); err != nil {
		return err
	}
	p.mu.Lock()
	now, wake := p.clock.Now(), false
	p.starting, p.batch = p.starting[:0], p.batch[:0]
	for _, w := range ws {
		o := p.start(now, w)
		wake = wake || o.due < p.waiting
		p.starting, p.batch = append(p.starting, o), append(p.batch, &o.inner)
	}
	if err := p.inner.Submit(p.batch); err != nil {
		for _, o := range p.starting {
			o.done, o.err = true, err
		}
	}
	p.mu.Unlock()
	if wake {
		p.clock.Interrupt()
	}
	return nil
}

// start puts a write into the model. The caller holds mu.
func (p *Path) start(now time.Duration, w *iopath.Write) *op {
	o := p.free[len(p.free)-1] // the ledger admits no more than depth
	p.free = p.free[:len(p.free)-1]
	o.write, o.done, o.err = w, false, nil
	o.inner.Pos, o.inner.Buf, o.inner.Err = w.Pos, w.Buf, nil
	o.due = p.queue.Arrive(now, w.Pos, int64(len(w.Buf)))
	p.stats.Writes++
	p.stats.Bytes += int64(len(w.Buf))
	// After those due at the same time, so that plain limits keep the order.
	i, _ := slices.BinarySearchFunc(p.pending, o.due+1, func(o *op, due time.Duration) int { return cmp.Compare(o.due, due) })
	p.pending = slices.Insert(p.pending, i, o)
	return o
}

// innerDone runs inside of the inner Reap, which our Reap calls without mu.
func (p *Path) innerDone(o *op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.done, o.err = true, o.inner.Err
	if p.clock.Now() > o.due {
		p.stats.Late++
	}
}

// Reap is part of iopath.Path.
func (p *Path) Reap(min int) (int, error) {
	if err := p.StartReap(); err != nil {
		return 0, err
	}
	defer p.EndReap()
	n, wait := 0, 0
	for {
		if _, err := p.inner.Reap(wait); err != nil && !errors.Is(err, iopath.ErrLatched) {
			return n, err
		}
		n += p.tellDue()
		if n >= min || p.woken.Swap(false) {
			return n, nil
		}
		if err := p.Hopeless(); err != nil {
			return n, err
		}
		wait = p.await()
	}
}

// tellDue tells the writes that both the model and the inner path are done with.
func (p *Path) tellDue() (n int) {
	for {
		w, err := p.pop()
		if w == nil {
			return n
		}
		p.Settle(w, err)
		w.Done(w)
		n++
	}
}

// pop takes a write that is due and done, with its result, and frees its op:
// before Settle, which lets the next one in.
func (p *Path) pop() (*iopath.Write, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, _ := p.ready()
	if i < 0 {
		return nil, nil
	}
	o := p.pending[i]
	p.pending = slices.Delete(p.pending, i, i+1)
	p.free = append(p.free, o)
	return o.write, o.err
}

// ready is the index in pending of the first write to tell, or −1, and then
// whether the model is done with one that the inner path still has. The caller
// holds mu.
func (p *Path) ready() (index int, overdue bool) {
	now := p.clock.Now()
	for i, o := range p.pending {
		if o.due > now {
			break
		}
		if o.done {
			return i, false
		}
		overdue = true
	}
	return -1, overdue
}

// await sleeps until the next write is due. It returns for how many inner
// completions to wait: one, when the model is done with a write and the inner
// path is not.
func (p *Path) await() int {
	p.mu.Lock()
	index, overdue := p.ready()
	if index >= 0 || overdue {
		p.mu.Unlock()
		if index >= 0 {
			return 0 // it became due just now
		}
		return 1
	}
	until := Forever
	if len(p.pending) > 0 {
		until = p.pending[0].due
	}
	p.waiting = until
	p.mu.Unlock()
	p.clock.Wait(until)
	p.mu.Lock()
	p.waiting = 0
	p.mu.Unlock()
	return 0
}

// Wake is part of iopath.Path.
func (p *Path) Wake() {
	p.woken.Store(true)
	p.inner.Wake()
	p.clock.Interrupt()
}

// ReadAt is part of iopath.Path. A simulated volume serves reads from the same
// buckets and slots as writes.
func (p *Path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	if p.cfg.Volume.Name == "" {
		return p.inner.ReadAt(b, pos)
	}
	p.mu.Lock()
	due := p.queue.Arrive(p.clock.Now(), pos, int64(len(b)))
	p.mu.Unlock()
	n, err := p.inner.ReadAt(b, pos)
	p.clock.Sleep(due)
	return n, err
}

// Close is part of iopath.Path. It waits for the inner path, not for the model.
func (p *Path) Close() error {
	if err := p.Shut(); err != nil {
		return err
	}
	p.Wake()
	p.AwaitReaper()
	return errors.Join(p.inner.Close(), p.clock.Close())
}
