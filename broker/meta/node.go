package meta

// maxAdvertise bounds host:port: 253 bytes of name, a colon, a port, brackets.
const maxAdvertise = 280

func (c RegisterNode) caller() (int32, int64, bool) { return c.NodeID, 0, false }

func (c RegisterNode) execute(im *Image) (Result, []Change, error) {
	if c.NodeID < 0 || len(c.Advertise) > maxAdvertise {
		return Result{}, nil, refuse(ErrInvalid, "node %d advertising %.300q", c.NodeID, c.Advertise)
	}
	n := im.nodes[c.NodeID]
	next := im.next
	n.ID, n.Advertise = c.NodeID, c.Advertise
	n.Previous, n.Epoch = n.Epoch, next.NodeEpoch
	next.NodeEpoch++
	return Result{
		NodeEpoch:         n.Epoch,
		PreviousNodeEpoch: n.Previous,
		OpenStreams:       openStreams(im, c.NodeID),
		LastOpenedEpoch:   n.WALOpened,
		LastClosedEpoch:   n.WALClosed,
	}, []Change{NodeChanged{n}, CountersChanged{next}}, nil
}

// openStreams is what recovery of the node's WAL has to bring to the end.
func openStreams(im *Image, node int32) []StreamEnd {
	var out []StreamEnd
	for _, s := range im.Streams() {
		if !s.Open || s.Node != node {
			continue
		}
		out = append(out, StreamEnd{
			StreamID: s.ID, Epoch: s.Epoch, NodeEpoch: s.NodeEpoch, Start: s.Start, End: s.End, State: s.State,
		})
	}
	return out
}

func (c WALOpened) caller() (int32, int64, bool) { return c.NodeID, c.Epoch, true }

func (c WALOpened) execute(im *Image) (Result, []Change, error) {
	n := im.nodes[c.NodeID]
	if n.WALClosed == c.Epoch {
		return Result{}, nil, refuse(ErrWALNotOpen, "node %d closed the WAL of epoch %d already", c.NodeID, c.Epoch)
	}
	if n.WALOpened == c.Epoch {
		return Result{}, nil, nil
	}
	n.WALOpened = c.Epoch
	return Result{}, []Change{NodeChanged{n}}, nil
}

func (c WALClosed) caller() (int32, int64, bool) { return c.NodeID, c.Epoch, true }

func (c WALClosed) execute(im *Image) (Result, []Change, error) {
	n := im.nodes[c.NodeID]
	if n.WALOpened != c.Epoch {
		return Result{}, nil, refuse(ErrWALNotOpen, "node %d closes that of epoch %d, opened last was %d", c.NodeID, c.Epoch, n.WALOpened)
	}
	if n.WALClosed == c.Epoch {
		return Result{}, nil, nil
	}
	n.WALClosed = c.Epoch
	return Result{}, []Change{NodeChanged{n}}, nil
}

func (c AllocateProducerIDs) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c AllocateProducerIDs) execute(im *Image) (Result, []Change, error) {
	if c.Count < 1 || c.Count > MaxProducerIDs {
		return Result{}, nil, refuse(ErrInvalid, "%d producer ids, want 1 to %d", c.Count, MaxProducerIDs)
	}
	next := im.next
	first := next.ProducerID
	next.ProducerID += int64(c.Count)
	return Result{FirstProducerID: first}, []Change{CountersChanged{next}}, nil
}
