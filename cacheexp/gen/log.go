package gen

import (
	"container/heap"
	"math"
	"time"

	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/units"
)

const (
	mostStreams   = 4096
	mostConsumers = 1024
	mostPerObject = 1 << 20 // blocks
	recordsEach   = 100     // offsets of a block
)

func init() {
	register("log", func(p *params) func() func() (trace.Access, bool) {
		g := &logTrace{
			streams:  p.count("streams", 16, 1, mostStreams),
			groups:   p.count("groups", 3, 0, mostConsumers),
			catchUps: p.count("catchup", 4, 0, mostConsumers),
			speed:    p.float("speed", 2, 0.01, 1e6),
			lag:      int64(p.duration("lag", 2*time.Second, 0, 24*time.Hour)),
			length:   int64(p.duration("duration", time.Minute, time.Millisecond, 1000*time.Hour)),
			seed:     p.seed(),
		}
		rate := p.bytes("rate", 64<<20, 1<<10, 1<<40)
		backlog := p.bytes("backlog", 4<<30, 0, 1<<50)
		upload := p.duration("upload", time.Second, time.Millisecond, time.Hour)
		g.blocks = p.sizes(g.seed)
		if g.groups+g.catchUps == 0 {
			p.fault("groups=0 and catchup=0: nobody reads")
		}
		g.shape(rate, backlog, int64(upload))
		if g.streams*g.perObject > mostPerObject {
			p.fault("upload=%v: an object of %d blocks, at most %d", upload, g.streams*g.perObject, mostPerObject)
		}
		if longest := int64(math.MaxInt64 / 4); g.backlog > longest/g.period {
			p.fault("backlog=%s: at rate=%s it takes more than 73 years to write, which is more than times can tell", units.Size(backlog), units.Size(rate))
		}
		return g.begin
	})
}

// logTrace is a log, as a block cache sees it: behind the log cache, which serves
// what was written just now. Blocks of all streams are written at one rate, and
// come into being together with the object that holds them:
//
//	stream 1  ▭ ▭ ▭ ▭│▭ ▭ ▭ ▭│▭ ▭          backlog: there from the beginning
//	stream 2  ▭ ▭ ▭ ▭│▭ ▭ ▭ ▭│▭ ▭
//	          object 0  object 1  written
//	               ──▶ ──▶  catch-ups     ──▶ ──▶ groups, lag apart
//
// A group reads every stream at the speed at which it is written, group g as long
// as lag × (g+1) behind. Catch-up c begins at the start of every stream, c/2 of a
// catch-up's part of the time after the first, and reads speed × (c+1) as fast as
// is written, until it is where the last group is.
type logTrace struct {
	streams, groups, catchUps int64
	speed                     float64
	lag, length               int64 // ns
	seed                      uint64
	blocks                    sizes

	period    int64 // between two blocks of a stream, ns
	perObject int64 // blocks of a stream in one object
	backlog   int64 // blocks of a stream that are there at the beginning

	due     logQueue
	object  int64 // the next one to be committed
	commits []trace.Access
	layouts layouts
}

// shape works out the blocks.
func (g *logTrace) shape(rate, backlog, upload int64) {
	mean := g.blocks.mean()
	g.period = max(int64(float64(g.streams)*float64(mean)/float64(max(rate, 1))*1e9), 1)
	g.perObject = max((upload+g.period-1)/g.period, 1)
	g.backlog = backlog / (max(g.streams, 1) * max(mean, 1)) / g.perObject * g.perObject
}

// logReader is one consumer's walk through one stream.
type logReader struct {
	at     int64 // when it reads its next block, ns
	stream int64
	id     uint64
	block  int64
	speed  float64 // 0: it tails
	start  int64   // of a catch-up, ns
	lag    int64   // behind the writing, ns
}

func (g *logTrace) begin() func() (trace.Access, bool) {
	g.layouts = layouts{of: map[int64][]int64{}}
	for id := range g.groups + g.catchUps {
		for s := range g.streams {
			r := &logReader{stream: s + 1, id: uint64(id) + 1, block: g.backlog, lag: g.lag * (id + 1)}
			if c := id - g.groups; c >= 0 {
				r.block, r.lag = 0, g.lag*max(g.groups, 1)
				r.speed, r.start = g.speed*float64(c+1), g.length*c/(2*g.catchUps)
			}
			r.at = g.time(r)
			g.due = append(g.due, r)
		}
	}
	heap.Init(&g.due)
	g.object = g.backlog / g.perObject
	return g.next
}

// phase of a stream: they do not all write at the same moment.
func (g *logTrace) phase(stream int64) int64 {
	return int64(mix(g.seed+uint64(stream)) % uint64(g.period))
}

// written is when a block of a stream is complete.
func (g *logTrace) written(stream, n int64) int64 { return (n-g.backlog+1)*g.period + g.phase(stream) }

// committed is when an object is: all of its blocks are complete.
func (g *logTrace) committed(object int64) int64 {
	if object < g.backlog/g.perObject {
		return 0
	}
	return ((object+1)*g.perObject - g.backlog + 1) * g.period
}

// time at which the reader reads its next block.
func (g *logTrace) time(r *logReader) int64 {
	at := max(g.written(r.stream, r.block)+r.lag, g.committed(r.block/g.perObject), 0)
	if r.speed > 0 {
		at = max(at, r.start+int64(float64(r.block*g.period+g.phase(r.stream))/r.speed))
	}
	return at
}

func (g *logTrace) next() (trace.Access, bool) {
	if len(g.commits) > 0 {
		a := g.commits[0]
		g.commits = g.commits[1:]
		return a, true
	}
	r := g.due[0]
	if at := g.committed(g.object); at <= r.at && at <= g.length {
		g.commit(at)
		return g.next()
	}
	if r.at > g.length {
		return trace.Access{}, false
	}
	a := g.block(r.stream, r.block)
	a.Kind, a.Time, a.Reader = trace.Miss, r.at, r.id
	r.block++
	r.at = max(g.time(r), r.at)
	heap.Fix(&g.due, 0)
	return a, true
}

// commit makes the blocks of the next object known.
func (g *logTrace) commit(at int64) {
	for s := range g.streams {
		for n := range g.perObject {
			a := g.block(s+1, g.object*g.perObject+n)
			a.Kind, a.Time = trace.Commit, at
			g.commits = append(g.commits, a)
		}
	}
	g.object++
}

// block is what is true of one whoever reads it.
func (g *logTrace) block(stream, n int64) trace.Access {
	object := n / g.perObject
	at := (stream-1)*g.perObject + n%g.perObject
	positions := g.layouts.get(object, g.layout)
	return trace.Access{
		Size: int32(positions[at+1] - positions[at]), Stream: stream, Object: object + 1, Position: positions[at],
		Start: n * recordsEach, End: (n + 1) * recordsEach,
	}
}

// layout is where an object's blocks begin: by stream, and in order.
func (g *logTrace) layout(object int64) []int64 {
	out := make([]int64, 0, g.streams*g.perObject+1)
	at := int64(0)
	for s := range g.streams {
		for n := range g.perObject {
			out = append(out, at)
			at += int64(g.blocks.of(s+1, object*g.perObject+n))
		}
	}
	return append(out, at)
}

// layouts keeps those of the latest objects; the others are worked out again.
type layouts struct {
	of    map[int64][]int64
	order []int64 // objects, the one made first first
	held  int     // positions
}

const (
	layoutsHeld = 1 << 21 // positions, 16 MiB
	layoutsKept = 8       // objects at least
)

func (l *layouts) get(object int64, work func(int64) []int64) []int64 {
	if p, ok := l.of[object]; ok {
		return p
	}
	p := work(object)
	for l.held+len(p) > layoutsHeld && len(l.order) > layoutsKept {
		l.held -= len(l.of[l.order[0]])
		delete(l.of, l.order[0])
		l.order = l.order[1:]
	}
	l.of[object], l.order, l.held = p, append(l.order, object), l.held+len(p)
	return p
}

// logQueue is readers by the time of their next block; ties by reader and stream,
// so that the order is that of the spec alone.
type logQueue []*logReader

func (q logQueue) Len() int { return len(q) }
func (q logQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.at != b.at {
		return a.at < b.at
	}
	return a.id < b.id || (a.id == b.id && a.stream < b.stream)
}
func (q logQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *logQueue) Push(x any)   { *q = append(*q, x.(*logReader)) }
func (q *logQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
