package meta

import "math"

func (c OpenStream) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c OpenStream) execute(im *Image) (Result, []Change, error) {
	s, err := findStream(im, c.StreamID)
	if err != nil {
		return Result{}, nil, err
	}
	if s.Open && s.Node == c.NodeID && s.NodeEpoch == c.NodeEpoch && s.Epoch == c.StreamEpoch {
		return streamResult(*s), nil, nil
	}
	if err := c.refusal(im, s); err != nil {
		return Result{}, nil, err
	}
	v := *s
	v.Epoch, v.Node, v.NodeEpoch, v.Open = c.StreamEpoch, c.NodeID, c.NodeEpoch, true
	p := im.topics[s.Topic].Partitions[s.Partition]
	p.Leader, p.LeaderEpoch = v.Node, int32(v.Epoch)
	return streamResult(v), []Change{
		streamChanged(v),
		PartitionChanged{TopicID: im.topics[s.Topic].ID, Topic: s.Topic, Partition: p},
	}, nil
}

// refusal is why the stream may not be opened now, or nil.
func (c OpenStream) refusal(im *Image, s *Stream) error {
	if s.Open && s.Node != c.NodeID {
		return refuse(ErrStreamOpen, "stream %d, node %d, epoch %d", s.ID, s.Node, s.Epoch)
	}
	if c.StreamEpoch <= s.Epoch {
		return refuse(ErrStreamEpoch, "stream %d: %d to open it, its newest is %d", s.ID, c.StreamEpoch, s.Epoch)
	}
	if c.StreamEpoch > math.MaxInt32 {
		return refuse(ErrInvalid, "stream %d: epoch %d does not fit Kafka's leader epoch", s.ID, c.StreamEpoch)
	}
	// Opened earlier, the stream would look like one of the new WAL, and the
	// records in the old WAL would be taken for another owner's and dropped.
	if n := im.nodes[c.NodeID]; n.WALOpened != c.NodeEpoch || n.WALClosed == c.NodeEpoch {
		return refuse(ErrWALNotOpen, "stream %d, node %d at epoch %d: WAL opened %d, closed %d",
			s.ID, c.NodeID, c.NodeEpoch, n.WALOpened, n.WALClosed)
	}
	return nil
}

func (c CloseStream) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c CloseStream) execute(im *Image) (Result, []Change, error) {
	s, err := findStream(im, c.StreamID)
	if err != nil {
		return Result{}, nil, err
	}
	if s.Node != c.NodeID {
		return Result{}, nil, refuse(ErrStreamNotOpen, "stream %d, node %d: it belongs to node %d", s.ID, c.NodeID, s.Node)
	}
	if s.Epoch != c.StreamEpoch {
		return Result{}, nil, refuse(ErrStreamEpoch, "stream %d: %d to close it, its newest is %d", s.ID, c.StreamEpoch, s.Epoch)
	}
	if !s.Open {
		return streamResult(*s), nil, nil
	}
	v := *s
	v.Open = false
	return streamResult(v), []Change{streamChanged(v)}, nil
}

func (c TrimStream) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c TrimStream) execute(im *Image) (Result, []Change, error) {
	s, err := findStream(im, c.StreamID)
	if err != nil {
		return Result{}, nil, err
	}
	if !s.Open || s.Node != c.NodeID {
		return Result{}, nil, refuse(ErrStreamNotOpen, "stream %d, node %d", s.ID, c.NodeID)
	}
	if c.Start > s.End {
		return Result{}, nil, refuse(ErrOffsetOutOfRange, "stream %d: trim to %d, committed end %d", s.ID, c.Start, s.End)
	}
	if c.Start <= s.Start {
		return streamResult(*s), nil, nil
	}
	v := *s
	v.Start = c.Start
	changes, destroyed := release(im, s.Ranges[:deadRanges(s.Ranges, c.Start)])
	res := streamResult(v)
	res.DestroyedObjects = destroyed
	return res, append([]Change{streamChanged(v)}, changes...), nil
}

func findStream(im *Image, id int64) (*Stream, error) {
	s, ok := im.streams[id]
	if !ok {
		return nil, refuse(ErrUnknownStream, "stream %d", id)
	}
	return s, nil
}

func streamResult(s Stream) Result {
	s.Ranges = nil
	return Result{Stream: &s}
}

func streamChanged(s Stream) StreamChanged {
	return StreamChanged{ID: s.ID, Epoch: s.Epoch, Node: s.Node, NodeEpoch: s.NodeEpoch, Open: s.Open, Start: s.Start}
}
