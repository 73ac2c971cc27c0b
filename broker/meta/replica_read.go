package meta

// The reads of a replica are those of its image, under its lock.

// Topic by name.
func (r *Replica) Topic(name string) (Topic, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Topic(name)
}

// TopicByID finds the topic with the id.
func (r *Replica) TopicByID(id [16]byte) (Topic, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.TopicByID(id)
}

// Topics are all topics, by name.
func (r *Replica) Topics() []Topic {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Topics()
}

// Stream by id.
func (r *Replica) Stream(id int64) (Stream, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Stream(id)
}

// Streams are all streams, by id.
func (r *Replica) Streams() []Stream {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Streams()
}

// Object by id.
func (r *Replica) Object(id int64) (Object, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Object(id)
}

// Objects are those in the state, by id. It looks at all of them.
func (r *Replica) Objects(state ObjectState) []Object {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Objects(state)
}

// Node by id.
func (r *Replica) Node(id int32) (Node, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Node(id)
}

// Nodes are all that ever registered, by id.
func (r *Replica) Nodes() []Node {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.Nodes()
}

// BrokerConfigs are the entries of one broker (decimal node id; "" for the
// default of all). The map is immutable.
func (r *Replica) BrokerConfigs(name string) map[string]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.image.BrokerConfigs(name)
}
