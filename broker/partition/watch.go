package partition

import (
	"github.com/tidelog/tide/broker/meta"
	"github.com/twmb/franz-go/pkg/kerr"
)

// changed follows the metadata. It runs on the replica's goroutine: it takes
// partitions away at once, and leaves what needs a command to Run.
func (m *Manager) changed(c meta.Change) {
	switch c := c.(type) {
	case meta.TopicCreated:
		m.mark(c.Topic.Name)
	case meta.TopicDeleted:
		m.dropTopic(c)
	case meta.PartitionChanged:
		if c.Partition.Leader == m.cfg.NodeID {
			m.mark(c.Topic)
			return
		}
		m.dropStream(c.Partition.StreamID)
	case meta.ConfigsChanged:
		if c.Resource == meta.ResourceTopic {
			m.mark(c.Name)
		}
	case meta.StreamChanged:
		m.streamChanged(c.ID, c.Epoch, c.Open)
	case meta.StreamReplaced:
		m.streamChanged(c.Stream.ID, c.Stream.Epoch, c.Stream.Open)
	}
}

// dropTopic forgets a deleted topic.
func (m *Manager) dropTopic(c meta.TopicDeleted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.index.Load().byID[c.ID]
	if e == nil {
		return
	}
	for i := range e.parts {
		if p := e.parts[i].Swap(nil); p != nil {
			p.close(kerr.UnknownTopicOrPartition)
			delete(m.streams, p.StreamID())
		}
	}
	m.replace(func(ix *index) {
		delete(ix.byID, c.ID)
		if ix.byName[c.Name] == e {
			delete(ix.byName, c.Name)
		}
	})
}

// streamChanged drops a partition whose stream was closed, or opened again
// under another epoch. The change that this node's own opening makes comes
// before the partition is in the map.
func (m *Manager) streamChanged(id, epoch int64, open bool) {
	m.mu.Lock()
	p := m.streams[id]
	m.mu.Unlock()
	if p != nil && (!open || epoch != p.log.Epoch()) {
		m.dropStream(id)
	}
}

// dropStream takes a partition away: another node leads it now.
func (m *Manager) dropStream(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.streams[id]
	if p == nil {
		return
	}
	delete(m.streams, id)
	p.close(kerr.NotLeaderForPartition)
	if e := m.index.Load().byName[p.topic]; e != nil && int(p.index) < len(e.parts) {
		e.parts[p.index].CompareAndSwap(p, nil)
	}
}
