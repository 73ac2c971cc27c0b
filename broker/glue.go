package broker

import (
	"net"
	"strconv"
	"sync/atomic"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/wire"
)

// watched is the replica with a Watch that may come after it runs.
type watched struct {
	*meta.Replica
	fn *atomic.Pointer[func(meta.Change)]
}

// Watch replaces whoever watched before. Changes that came earlier are not
// repeated: the watcher reads the replica after it.
func (w watched) Watch(fn func(meta.Change)) { w.fn.Store(&fn) }

// topicNames resolves names for the group coordinator.
type topicNames struct{ replica *meta.Replica }

func (t topicNames) TopicName(id [16]byte) (string, bool) {
	topic, ok := t.replica.TopicByID(id)
	return topic.Name, ok
}

func (t topicNames) TopicID(name string) ([16]byte, bool) {
	topic, ok := t.replica.Topic(name)
	return topic.ID, ok
}

// cluster is what clients are told about the brokers.
type cluster struct{ b *Broker }

// ClusterID is the same for every broker of a quorum.
func (c cluster) ClusterID() string { return "tide" }

// ControllerID is where clients send what changes topics: any broker takes it.
func (c cluster) ControllerID() int32 { return c.b.cfg.NodeID }

// Brokers are the registered ones.
func (c cluster) Brokers() []wire.Broker {
	var out []wire.Broker
	for _, n := range c.b.replica.Nodes() {
		host, port, err := net.SplitHostPort(n.Advertise)
		if err != nil {
			continue // checked when the node registered
		}
		p, _ := strconv.ParseUint(port, 10, 16)
		out = append(out, wire.Broker{ID: n.ID, Host: host, Port: int32(p)})
	}
	return out
}
