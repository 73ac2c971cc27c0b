package meta

// A commit makes one upload readable: a stream-set object and any stream
// objects beside it. It is checked whole before it changes anything, and its
// changes are one entry of the log, so that no reader sees half of it.

// upload is one object of a commit, whichever way the command carried it.
type upload struct {
	object  Object // as it will be
	streams []StreamCommit
}

func (c CommitObject) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c CommitObject) execute(im *Image) (Result, []Change, error) {
	ups := c.uploads()
	repeated, err := checkObjects(im, c.NodeID, ups)
	if err != nil {
		return Result{}, nil, err
	}
	dropped, err := c.checkStreams(im, ups, repeated)
	if err != nil {
		return Result{}, nil, err
	}
	if repeated {
		return Result{DroppedStreams: inOrder(dropped, ups)}, nil, nil
	}
	changes, destroyed := commitChanges(im, ups, dropped)
	return Result{DroppedStreams: inOrder(dropped, ups), DestroyedObjects: destroyed}, changes, nil
}

func (c CommitObject) uploads() []upload {
	ups := make([]upload, 0, 1+len(c.StreamObjects))
	ups = append(ups, upload{
		object: Object{
			ID: c.ObjectID, Kind: c.Kind, Key: c.Key,
			Size: c.Size, IndexPosition: c.IndexPosition, IndexLength: c.IndexLength,
		},
		streams: c.Streams,
	})
	for _, o := range c.StreamObjects {
		ups = append(ups, upload{
			object: Object{
				ID: o.ObjectID, Kind: KindStream, Key: o.Key,
				Size: o.Size, IndexPosition: o.IndexPosition, IndexLength: o.IndexLength,
			},
			streams: []StreamCommit{o.Stream},
		})
	}
	return ups
}

// checkObjects says whether the commit was applied before. One that was is
// answered alike even when its objects have been destroyed since: the records
// are accounted for, and uploading them again would fail for ever.
func checkObjects(im *Image, node int32, ups []upload) (repeated bool, err error) {
	done := 0
	seen := map[int64]bool{}
	for _, u := range ups {
		o := u.object
		if err := validUpload(u); err != nil {
			return false, err
		}
		if seen[o.ID] {
			return false, refuse(ErrInvalid, "object %d occurs twice in its commit", o.ID)
		}
		seen[o.ID] = true
		old, ok := im.objects[o.ID]
		switch {
		case !ok:
			return false, refuse(ErrObjectNotPrepared, "object %d is unknown", o.ID)
		case old.Node != node:
			return false, refuse(ErrObjectNotPrepared, "object %d was prepared by node %d, not %d", o.ID, old.Node, node)
		case old.State == Prepared:
		case old.Size == o.Size && old.Key == o.Key && old.Kind == o.Kind:
			done++
		default:
			return false, refuse(ErrObjectNotPrepared, "object %d is %s", o.ID, old.State)
		}
	}
	if done != 0 && done != len(ups) {
		return false, refuse(ErrObjectNotPrepared, "%d of %d objects from %d on were committed otherwise", done, len(ups), ups[0].object.ID)
	}
	return done != 0, nil
}

func validUpload(u upload) error {
	o := u.object
	if o.Kind != KindStream && o.Kind != KindStreamSet || o.Key == "" || o.Size < 1 ||
		o.IndexPosition < 0 || o.IndexLength < 0 || o.IndexPosition > o.Size-int64(o.IndexLength) {
		return refuse(ErrInvalid, "object %d: kind %s, key %q, %d bytes with an index of %d at %d",
			o.ID, o.Kind, o.Key, o.Size, o.IndexLength, o.IndexPosition)
	}
	if len(u.streams) == 0 || o.Kind == KindStream && !oneStream(u.streams) {
		return refuse(ErrInvalid, "object %d: a %s object of %d streams", o.ID, o.Kind, len(u.streams))
	}
	return nil
}

// checkStreams finds the streams deleted since the upload began, which are left
// out, and refuses the commit when another one does not fit. Of a repeated
// commit only the deleted ones are of interest: the others have moved on.
func (c CommitObject) checkStreams(im *Image, ups []upload, repeated bool) (map[int64]bool, error) {
	dropped := map[int64]bool{}
	seen := map[int64]bool{}
	for _, u := range ups {
		for _, sc := range u.streams {
			s, ok := im.streams[sc.StreamID]
			if !ok && sc.StreamID > 0 && sc.StreamID < im.next.StreamID {
				dropped[sc.StreamID] = true
				continue
			}
			if repeated {
				continue
			}
			if err := checkStream(s, c.NodeID, sc); err != nil {
				return nil, err
			}
			if sc.Start != s.End {
				return nil, refuse(ErrNotContiguous, "stream %d: range [%d, %d), committed end %d", s.ID, sc.Start, sc.End, s.End)
			}
			if seen[sc.StreamID] {
				return nil, refuse(ErrInvalid, "stream %d occurs twice in the commit of object %d", sc.StreamID, c.ObjectID)
			}
			seen[sc.StreamID] = true
		}
	}
	return dropped, nil
}

// checkStream says why the node may not commit to the stream, which is nil when
// it never existed.
func checkStream(s *Stream, node int32, sc StreamCommit) error {
	switch {
	case s == nil:
		return refuse(ErrUnknownStream, "stream %d", sc.StreamID)
	case !s.Open || s.Node != node:
		return refuse(ErrStreamNotOpen, "stream %d, node %d", s.ID, node)
	case s.Epoch != sc.Epoch:
		return refuse(ErrStreamEpoch, "stream %d: committed under %d, its newest is %d", s.ID, sc.Epoch, s.Epoch)
	case sc.End <= sc.Start:
		return refuse(ErrInvalid, "stream %d: empty range [%d, %d)", s.ID, sc.Start, sc.End)
	}
	return nil
}

// commitChanges puts the objects first: a follower that sees a range finds its object.
func commitChanges(im *Image, ups []upload, dropped map[int64]bool) (changes []Change, destroyed []int64) {
	var ranges []Change
	for _, u := range ups {
		o := u.object
		old := im.objects[o.ID]
		o.Node, o.PreparedUntil, o.State = old.Node, old.PreparedUntil, Committed
		for _, sc := range u.streams {
			if dropped[sc.StreamID] {
				continue
			}
			o.LiveRanges++
			o.Bytes += sc.Bytes
			ranges = append(ranges, RangeAdded{
				StreamID: sc.StreamID,
				Range:    Range{ObjectID: o.ID, Start: sc.Start, End: sc.End, MaxTimestamp: sc.MaxTimestamp, Bytes: sc.Bytes},
				State:    sc.State,
			})
		}
		if o.LiveRanges == 0 {
			o.State = Destroyed
			destroyed = append(destroyed, o.ID)
		}
		changes = append(changes, ObjectChanged{o})
	}
	return append(changes, ranges...), destroyed
}

// inOrder is the dropped streams, in the order of the commit.
func inOrder(dropped map[int64]bool, ups []upload) []int64 {
	var out []int64
	for _, u := range ups {
		for _, sc := range u.streams {
			if dropped[sc.StreamID] {
				out = append(out, sc.StreamID)
			}
		}
	}
	return out
}
