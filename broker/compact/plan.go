package compact

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/tidelog/tide/broker/meta"
)

// run is consecutive ranges of one stream that move together.
type run struct {
	stream meta.Stream
	ranges []meta.Range
	bytes  int64 // of record batches
}

// job is one merge: of stream-set objects, or of what one stream has in small
// objects. Its runs ascend by stream and offset.
type job struct {
	stream bool // runs are of one stream, and together become one object
	runs   []run
}

// planner decides what to merge. It reads the metadata once and does no I/O.
//
// Sets: those smaller than Target are merged when there is enough of them, when
// the second oldest is old, or when half of one is dead. Those of Target and
// more are merged when streams have many small shares in them: sets whose mean
// shares are alike make a tier, and a tier is merged once a stream has
// `overlap` shares in it, so that each merge makes shares as many times larger
// and a byte is written once a tier.
//
// Streams: neighbouring small objects are merged when they reach Target, so
// that most bytes are written once, or when the second of them is old. Shares
// in sets that lie between them are taken along, or a stream whose uploads are
// now large, now small, would stay in pieces.
type planner struct {
	cfg     Config
	now     time.Time
	force   bool           // ages do not matter
	bad     map[int64]bool // objects that could not be read: left alone
	streams []meta.Stream  // this node's, by id
	objects map[int64]meta.Object
	sets    map[int64]*set
}

// set is a stream-set object as far as this node's streams lie in it.
type set struct {
	object meta.Object
	live   int64 // bytes of live ranges
	shares int   // streams
	first  int64 // the lowest stream
	last   int64
}

func newPlanner(cfg Config, force bool, bad map[int64]bool) *planner {
	p := &planner{
		cfg: cfg, now: cfg.Clock(), force: force, bad: bad,
		objects: make(map[int64]meta.Object), sets: make(map[int64]*set),
	}
	for _, s := range cfg.Meta.Streams() {
		if s.Open && s.Node == cfg.NodeID && p.learn(s) {
			p.streams = append(p.streams, s)
		}
	}
	return p
}

// learn looks the stream's objects up. False: the metadata has moved on since
// the streams were read, and the next round will see it.
func (p *planner) learn(s meta.Stream) bool {
	for _, r := range s.Ranges {
		if _, ok := p.objects[r.ObjectID]; ok {
			continue
		}
		o, ok := p.cfg.Meta.Object(r.ObjectID)
		if !ok || o.State != meta.Committed {
			return false
		}
		p.objects[o.ID] = o
	}
	for _, r := range s.Ranges {
		if o := p.objects[r.ObjectID]; o.Kind == meta.KindStreamSet && !p.bad[o.ID] {
			p.count(o, s.ID, p.bytes(r))
		}
	}
	return true
}

func (p *planner) count(o meta.Object, stream, bytes int64) {
	t := p.sets[o.ID]
	if t == nil {
		t = &set{object: o, first: stream, last: -1}
		p.sets[o.ID] = t
	}
	t.live += bytes
	if t.last != stream {
		t.shares, t.last = t.shares+1, stream
	}
}

// bytes of a range; of one whose size nobody has noted, its part of the object.
func (p *planner) bytes(r meta.Range) int64 {
	if r.Bytes > 0 {
		return r.Bytes
	}
	o := p.objects[r.ObjectID]
	return o.Size / int64(max(o.LiveRanges, 1))
}

func (p *planner) old(o meta.Object) bool {
	made := time.UnixMilli(o.PreparedUntil).Add(-p.cfg.PreparedFor)
	return p.force || p.now.Sub(made) >= p.cfg.OldAfter
}

// jobs are what is to be done now, independent of each other.
func (p *planner) jobs() []job {
	var out []job
	taken := make(map[int64]bool)
	for _, group := range p.groups() {
		for _, t := range group {
			taken[t.object.ID] = true
		}
		out = append(out, p.setJob(group))
	}
	for _, s := range p.streams {
		out = p.streamJobs(out, s, taken)
	}
	return out
}

// groups are the sets that are to be merged with each other.
func (p *planner) groups() [][]*set {
	var small []*set
	tiers := make(map[int][]*set)
	for _, id := range slices.Sorted(maps.Keys(p.sets)) {
		t := p.sets[id]
		switch mean := t.live / int64(t.shares); {
		case t.live < p.cfg.Target, t.wasted():
			small = append(small, t)
		case mean < p.cfg.doneShare():
			tiers[bits.Len64(uint64(mean))/3] = append(tiers[bits.Len64(uint64(mean))/3], t)
		}
	}
	var out [][]*set
	if small = p.due(small[:min(len(small), maxSources)]); len(small) > 0 {
		out = append(out, small)
	}
	for _, n := range slices.Sorted(maps.Keys(tiers)) {
		// Sets of one merge hold neighbouring streams: by lowest stream, those
		// of several merges that overlap come together.
		tier := tiers[n]
		slices.SortStableFunc(tier, func(a, b *set) int { return cmp.Compare(a.first, b.first) })
		for part := range slices.Chunk(tier, maxSources) {
			if p.overlaps(part) {
				out = append(out, part)
			}
		}
	}
	return out
}

// wasted: more than half of the object is referred to by nothing here.
func (t *set) wasted() bool { return t.live*2 < t.object.Bytes }

// due is which of the small sets are to be merged now: all, or those alone of
// which half is dead.
func (p *planner) due(small []*set) []*set {
	total, old := int64(0), 0
	for _, t := range small {
		total += t.live
		if p.old(t.object) {
			old++
		}
	}
	// The oldest may be what the last merge left over. Alone it stays.
	if len(small) > 1 && (old > 1 || total >= p.cfg.setBytes() || len(small) == maxSources) {
		return small
	}
	return slices.DeleteFunc(small, func(t *set) bool { return !t.wasted() })
}

func (p *planner) overlaps(tier []*set) bool {
	in := idsOf(tier)
	shares, streams := 0, 0
	for _, s := range p.streams {
		n := 0
		for _, r := range s.Ranges {
			if in[r.ObjectID] {
				n++
			}
		}
		shares, streams = shares+n, streams+min(n, 1)
	}
	return streams > 0 && shares >= overlap*streams
}

func idsOf(group []*set) map[int64]bool {
	in := make(map[int64]bool, len(group))
	for _, t := range group {
		in[t.object.ID] = true
	}
	return in
}

// setJob takes everything that this node's streams have in the sets.
func (p *planner) setJob(group []*set) job {
	var j job
	in := idsOf(group)
	for _, s := range p.streams {
		for i := 0; i < len(s.Ranges); {
			n := i
			for n < len(s.Ranges) && in[s.Ranges[n].ObjectID] {
				n++
			}
			if n > i {
				j.runs = append(j.runs, p.run(s, i, n))
			}
			i = n + 1
		}
	}
	return j
}

func (p *planner) run(s meta.Stream, from, to int) run {
	r := run{stream: s, ranges: s.Ranges[from:to]}
	for _, x := range r.ranges {
		r.bytes += p.bytes(x)
	}
	r.stream.Ranges, r.stream.State = nil, nil
	return r
}
