package meta

import (
	"cmp"
	"maps"
	"slices"
)

// Image is all the facts at one index of the log. It is not safe for concurrent
// use, but what its readers hand out is: a value that changes is replaced, never
// written to, so a Topic or Stream taken earlier stays what it was.
type Image struct {
	index   uint64
	next    Counters
	nodes   map[int32]Node
	topics  map[string]*Topic
	names   map[TopicID]string // of every topic
	streams map[int64]*Stream
	objects map[int64]*Object
	brokers map[string]map[string]string // configurations, by decimal node id; "" is the default
	deleted []TopicID                    // of the last maxDeleted topics deleted, oldest first
}

// maxDeleted bounds the memory for ids that must not come back. What really
// brings one back is a delayed repetition of a CreateTopic: seconds, not
// thousands of deletions later.
const maxDeleted = 65_536

// NewImage is the state before the first command. All ids count from 1.
func NewImage() *Image {
	return &Image{
		next:    Counters{NodeEpoch: 1, StreamID: 1, ObjectID: 1, ProducerID: 1},
		nodes:   map[int32]Node{},
		topics:  map[string]*Topic{},
		names:   map[TopicID]string{},
		streams: map[int64]*Stream{},
		objects: map[int64]*Object{},
		brokers: map[string]map[string]string{},
	}
}

// Index is that of the last command applied.
func (im *Image) Index() uint64 { return im.index }

// Apply makes c a fact. A change that does not follow from the facts so far is
// a broken invariant: it panics.
func (im *Image) Apply(c Change) { c.apply(im) }

// advance notes that the command at index is applied, changes or not.
func (im *Image) advance(index uint64) {
	if index <= im.index {
		panic(broken("command at index %d after one at %d", index, im.index))
	}
	im.index = index
}

// Topic by name.
func (im *Image) Topic(name string) (Topic, bool) { return deref(im.topics[name]) }

// TopicByID finds the topic with the id.
func (im *Image) TopicByID(id TopicID) (Topic, bool) { return deref(im.topics[im.names[id]]) }

// Topics are all topics, by name.
func (im *Image) Topics() []Topic { return sorted(im.topics, deref1[Topic]) }

// Stream by id.
func (im *Image) Stream(id int64) (Stream, bool) {
	s, ok := im.streams[id]
	if !ok {
		return Stream{}, false
	}
	return clipped(s), true
}

// Streams are all streams, by id.
func (im *Image) Streams() []Stream { return sorted(im.streams, clipped) }

// Object by id.
func (im *Image) Object(id int64) (Object, bool) { return deref(im.objects[id]) }

// Objects are those in the state, by id.
func (im *Image) Objects(state ObjectState) []Object {
	var out []Object
	for _, o := range im.objects {
		if o.State == state {
			out = append(out, *o)
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Node by id.
func (im *Image) Node(id int32) (Node, bool) {
	n, ok := im.nodes[id]
	return n, ok
}

// Nodes are all that ever registered, by id.
func (im *Image) Nodes() []Node { return sorted(im.nodes, func(n Node) Node { return n }) }

// BrokerConfigs are the entries of one broker (decimal node id; "" for the
// default of all). The map is immutable.
func (im *Image) BrokerConfigs(name string) map[string]string { return im.brokers[name] }

// Clone is an independent image. It costs a pass over the maps; the values are
// shared, for they are immutable.
func (im *Image) Clone() *Image {
	c := *im
	c.nodes = maps.Clone(im.nodes)
	c.topics = maps.Clone(im.topics)
	c.names = maps.Clone(im.names)
	c.objects = maps.Clone(im.objects)
	c.brokers = maps.Clone(im.brokers)
	c.deleted = slices.Clone(im.deleted)
	c.streams = make(map[int64]*Stream, len(im.streams))
	for id, s := range im.streams {
		// Ranges grow in place behind the length that others see. Two images
		// must not grow the same array, so the clone's first append copies.
		v := clipped(s)
		c.streams[id] = &v
	}
	return &c
}

// clipped is the stream with Ranges that cannot be appended to in place.
func clipped(s *Stream) Stream {
	v := *s
	v.Ranges = slices.Clip(v.Ranges)
	return v
}

func deref[T any](p *T) (T, bool) {
	if p == nil {
		var zero T
		return zero, false
	}
	return *p, true
}

func deref1[T any](p *T) T { return *p }

// sorted is the map's values in the order of its keys. Nothing in this package
// may depend on the order in which Go walks a map.
func sorted[K cmp.Ordered, V, T any](m map[K]V, f func(V) T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, f(m[k]))
	}
	return out
}
