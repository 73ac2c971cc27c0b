package timed

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/storetime"
)

// Run replays the trace, whose catalog c is.
func Run(c *Catalog, s Source, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m, err := newSim(c, cfg)
	if err != nil {
		return nil, err
	}
	if err := m.play(s); err != nil {
		return nil, err
	}
	return m.finish(), nil
}

// sim is one replay.
type sim struct {
	cfg      Config
	catalog  *Catalog
	now      int64 // virtual, ns from the first access
	events   events
	sequence uint64
	readers  map[prefetch.Reader]*reader // that wait for a GET; of others nothing has to be kept
	spare    *reader                     // that waits for nothing, to be used again
	held     int                         // accesses in the readers' queues

	policy   policy.Policy
	shadow   policy.Policy // nil: the prefetcher is none, so the cache is its own shadow
	prefetch prefetch.Prefetcher
	joins    bool
	state    []state // by id

	queue       *prefetch.Queue[id]
	wanted      []*load // for readers, not begun yet, oldest first
	loading     int     // GETs for readers in flight
	prefetching int     // GETs ahead in flight
	store       *storetime.Queue
	tail        prefetch.Tail

	view view
	plan []prefetch.Block
	n    Result
}

// state is where a block is.
type state struct {
	load     *load // that brings it; nil: it is there, or not at all
	resident bool  // the policy holds it
	born     bool  // it exists by now, if it does not from the beginning
	unread   bool  // loaded ahead, and nobody has asked for it yet
}

func newSim(c *Catalog, cfg Config) (*sim, error) {
	m := &sim{
		cfg: cfg, catalog: c, readers: map[prefetch.Reader]*reader{}, state: make([]state, len(c.blocks)),
		queue: prefetch.NewQueue[id](cfg.Ahead, cfg.MaxGet), store: storetime.NewQueue(cfg.Service, cfg.Seed),
		n: newResult(cfg),
	}
	var errs [3]error
	m.policy, errs[0] = policy.New(cfg.Policy, cfg.Capacity)
	m.prefetch, errs[1] = prefetch.New(cfg.Prefetch)
	if cfg.Prefetch != withoutPrefetch {
		m.shadow, errs[2] = policy.New(cfg.Policy, cfg.Capacity)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	m.joins = prefetch.Joins(m.prefetch)
	m.view.sim = m
	return m, nil
}

const withoutPrefetch = "none"

// play lets accesses and the ends of GETs happen in order. What ends goes before
// what begins at the same time.
func (m *sim) play(s Source) error {
	first, at := int64(math.MinInt64), int64(0)
	next, more, err := m.read(s)
	for more || len(m.events) > 0 {
		if err != nil {
			return err
		}
		if first == math.MinInt64 {
			first = next.Time
		}
		if at, err = since(first, next.Time, at); err != nil {
			return err
		}
		if len(m.events) > 0 && (!more || m.events[0].at <= at || m.held >= m.cfg.MaxHeld) {
			m.stalled(more && m.held >= m.cfg.MaxHeld && m.events[0].at > at, max(m.now, at))
			e := heap.Pop(&m.events).(event)
			m.now = e.at
			e.do()
			continue
		}
		m.now = max(m.now, at)
		if err := m.take(next); err != nil {
			return err
		}
		next, more, err = m.read(s)
	}
	return err
}

// longest is the most time that a trace may take, in ns: 73 years, so that nothing
// that is added to it overflows.
const longest = math.MaxInt64 / 4

// since is the time from the first access to one, at least at: a recording's times
// may go back a little.
func since(first, to, at int64) (int64, error) {
	if to <= first {
		return at, nil
	}
	if uint64(to)-uint64(first) > longest {
		return 0, fmt.Errorf("an access at %d ns, %d years after the first one at %d ns: no trace is that long; see what its times are counted in",
			to, (uint64(to)-uint64(first))/uint64(365*24*time.Hour), first)
	}
	return max(at, to-first), nil
}

// read returns the next item that means something here.
func (m *sim) read(s Source) (a trace.Access, more bool, err error) {
	for {
		a, err = s.Next()
		if errors.Is(err, io.EOF) {
			return trace.Access{}, false, nil
		}
		if err != nil || a.Kind.Demand() || a.Kind == trace.Commit {
			return a, err == nil, err
		}
	}
}

// take puts an item of the trace where it belongs.
func (m *sim) take(a trace.Access) error {
	i, ok := m.catalog.ids[policy.Key{Object: a.Object, Position: a.Position}]
	if !ok {
		return fmt.Errorf("block of object %d at %d is not in the catalog: it was made of another trace", a.Object, a.Position)
	}
	if a.Kind == trace.Commit {
		m.state[i].born = true
		return nil
	}
	who := prefetch.Reader{Stream: a.Stream, ID: a.Reader}
	if r := m.readers[who]; r != nil {
		r.queue = append(r.queue, i)
		m.held++
		return nil
	}
	r := m.spare
	if r == nil {
		r = &reader{}
	}
	m.spare, r.name = nil, who
	m.access(r, i)
	m.settle(r)
	return nil
}

// settle keeps a reader as long as it waits.
func (m *sim) settle(r *reader) {
	if r.busy {
		m.readers[r.name] = r
		return
	}
	delete(m.readers, r.name)
	m.spare = r
}

// exists says whether a block can be read.
func (m *sim) exists(i id) bool { return !m.catalog.blocks[i].later || m.state[i].born }

// after lets something happen later.
func (m *sim) after(d int64, do func()) {
	m.sequence++
	heap.Push(&m.events, event{m.now + d, m.sequence, do})
}

// event is what happens at a time; events of the same time, in the order in which
// they were thought of.
type event struct {
	at       int64
	sequence uint64
	do       func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || (e[i].at == e[j].at && e[i].sequence < e[j].sequence)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}
