package meta

import "slices"

// A compaction moves ranges from objects to others that hold the same batches.
// Like a commit it is checked whole before it changes anything.
//
//	before   ┤ 7: [0,10) ├┤ 8: [10,14) ├┤ 9: [14,30) ├      sources 7, 8
//	after    ┤ 12: [0,14)              ├┤ 9: [14,30) ├      7 and 8 destroyed
//
// Between the planning of a compaction and its commit streams go on: what was
// appended lies behind the ranges and does not matter; what was trimmed is left
// out; a source that lost its last range meanwhile refuses the whole.

func (c CompactObjects) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c CompactObjects) execute(im *Image) (Result, []Change, error) {
	if len(c.Objects) == 0 || len(c.Sources) == 0 {
		return Result{}, nil, refuse(ErrInvalid, "a compaction of %d objects into %d", len(c.Sources), len(c.Objects))
	}
	ups := c.uploads()
	repeated, err := checkObjects(im, c.NodeID, ups)
	if err != nil {
		return Result{}, nil, err
	}
	if repeated {
		return Result{}, nil, nil
	}
	if err := c.checkSources(im); err != nil {
		return Result{}, nil, err
	}
	p := compaction{im: im, node: c.NodeID, sources: c.Sources, placed: map[int64][]StreamCommit{}}
	for _, u := range ups {
		if err := p.place(u); err != nil {
			return Result{}, nil, err
		}
	}
	released, destroyed := release(im, p.dead)
	changes := append(append(p.objects, p.ranges...), released...)
	return Result{DroppedStreams: p.dropped, DestroyedObjects: append(p.stillborn, destroyed...)}, changes, nil
}

func (c CompactObjects) uploads() []upload {
	ups := make([]upload, len(c.Objects))
	for i, o := range c.Objects {
		ups[i].object = Object{ID: o.ObjectID, Kind: o.Kind, Key: o.Key, Size: o.Size, IndexPosition: o.IndexPosition, IndexLength: o.IndexLength}
		for _, s := range o.Shares {
			ups[i].streams = append(ups[i].streams, StreamCommit{StreamID: s.StreamID, Epoch: s.Epoch, Start: s.Start, End: s.End})
		}
	}
	return ups
}

// checkSources is rule 8.
func (c CompactObjects) checkSources(im *Image) error {
	for _, id := range c.Sources {
		o, ok := im.objects[id]
		if !ok {
			return refuse(ErrSourceGone, "object %d is unknown", id)
		}
		if o.State != Committed {
			return refuse(ErrSourceGone, "object %d is %s", id, o.State)
		}
	}
	return nil
}

// compaction collects what follows from a CompactObjects.
type compaction struct {
	im      *Image
	node    int32
	sources []int64
	placed  map[int64][]StreamCommit // by stream: its shares so far

	objects, ranges    []Change
	dead               []Range // that others replace
	dropped, stillborn []int64
}

// place finds the ranges that an object takes over.
func (p *compaction) place(u upload) error {
	o := u.object
	old := p.im.objects[o.ID]
	o.Node, o.PreparedUntil, o.State = old.Node, old.PreparedUntil, Committed
	for _, sc := range u.streams {
		s, ok := p.im.streams[sc.StreamID]
		if !ok && sc.StreamID > 0 && sc.StreamID < p.im.next.StreamID {
			p.drop(sc.StreamID)
			continue
		}
		if err := checkStream(s, p.node, sc); err != nil {
			return err
		}
		for _, other := range p.placed[s.ID] {
			if sc.Start < other.End && other.Start < sc.End {
				return refuse(ErrInvalid, "stream %d: share [%d, %d) beside one of [%d, %d)", s.ID, sc.Start, sc.End, other.Start, other.End)
			}
		}
		p.placed[s.ID] = append(p.placed[s.ID], sc)
		r, live, err := p.replace(s, sc)
		if err != nil {
			return err
		}
		if live {
			r.ObjectID = o.ID
			o.LiveRanges++
			o.Bytes += r.Bytes
			p.add(s.ID, r)
		}
	}
	if o.LiveRanges == 0 {
		o.State = Destroyed
		p.stillborn = append(p.stillborn, o.ID)
	}
	p.objects = append(p.objects, ObjectChanged{o})
	return nil
}

// add notes a range; neighbours make one change, for each costs the stream a
// copy of all its ranges.
func (p *compaction) add(stream int64, r Range) {
	if n := len(p.ranges); n > 0 {
		last := p.ranges[n-1].(RangesMerged)
		if last.StreamID == stream && last.Ranges[len(last.Ranges)-1].End == r.Start {
			last.Ranges = append(last.Ranges, r)
			p.ranges[n-1] = last
			return
		}
	}
	p.ranges = append(p.ranges, RangesMerged{StreamID: stream, Ranges: []Range{r}})
}

func (p *compaction) drop(stream int64) {
	if !slices.Contains(p.dropped, stream) {
		p.dropped = append(p.dropped, stream)
	}
}

// replace is the range that stands for a share afterwards. live is false when
// the stream was trimmed beyond it. What the share covers below the stream's
// first range has been trimmed, and above the ranges nothing may be missing.
func (p *compaction) replace(s *Stream, sc StreamCommit) (r Range, live bool, err error) {
	if sc.Start < 0 {
		return Range{}, false, refuse(ErrInvalid, "stream %d: share [%d, %d)", s.ID, sc.Start, sc.End)
	}
	if sc.End <= s.Start {
		return Range{}, false, nil
	}
	from, to := within(s.Ranges, sc.Start, sc.End)
	if from == to || s.Ranges[to-1].End != sc.End || !p.begins(s, from, sc.Start) {
		return Range{}, false, refuse(ErrPartOfRange, "stream %d: share [%d, %d)", s.ID, sc.Start, sc.End)
	}
	r = Range{Start: sc.Start, End: sc.End, MaxTimestamp: s.Ranges[from].MaxTimestamp}
	for _, old := range s.Ranges[from:to] {
		if !slices.Contains(p.sources, old.ObjectID) {
			return Range{}, false, refuse(ErrSourceGone, "stream %d: range [%d, %d) is in object %d, which is no source", s.ID, old.Start, old.End, old.ObjectID)
		}
		if r.MaxTimestamp >= 0 && old.MaxTimestamp >= 0 {
			r.MaxTimestamp = max(r.MaxTimestamp, old.MaxTimestamp)
		} else {
			r.MaxTimestamp = -1 // of a part: then of the whole
		}
		r.Bytes += old.Bytes
	}
	p.dead = append(p.dead, s.Ranges[from:to]...)
	return r, true, nil
}

// begins says whether a share may begin at start when the first range that it
// covers is number from.
func (p *compaction) begins(s *Stream, from int, start int64) bool {
	if s.Ranges[from].Start == start {
		return true
	}
	return from == 0 && start <= s.Start
}

// oneStream says whether all shares are of one stream.
func oneStream(shares []StreamCommit) bool {
	return !slices.ContainsFunc(shares, func(c StreamCommit) bool { return c.StreamID != shares[0].StreamID })
}
