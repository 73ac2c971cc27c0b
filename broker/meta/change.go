package meta

// Change is a fact that an Image applies. The types of this file are all there
// are; the values in them are immutable and shared with the image. Within one
// command they come in an order in which each can be applied.
type Change interface {
	apply(im *Image)
	weight() int // bytes that it keeps alive in the change log, roughly
}

// NodeChanged carries a node as it is now: registered, WAL opened or closed.
type NodeChanged struct{ Node Node }

// TopicCreated carries the new topic; its streams come into being with it.
type TopicCreated struct{ Topic Topic }

// TopicDeleted takes the topic's streams with it.
type TopicDeleted struct {
	ID   TopicID
	Name string
}

// PartitionChanged carries a partition with its leader and leader epoch as they are now.
type PartitionChanged struct {
	TopicID   TopicID
	Topic     string
	Partition Partition
}

// ConfigsChanged carries all the entries that the resource has now.
type ConfigsChanged struct {
	Resource Resource
	Name     string
	Configs  map[string]string
}

// StreamChanged carries what is not in Ranges, End or State: who has the stream
// open, and its start. Ranges wholly below Start go with it.
type StreamChanged struct {
	ID        int64
	Epoch     int64
	Node      int32
	NodeEpoch int64
	Open      bool
	Start     int64
}

// RangeAdded moves the stream's committed end to Range.End.
type RangeAdded struct {
	StreamID int64
	Range    Range
	State    []byte
}

// RangesMerged puts Ranges, each of which begins where the one before ends, in
// the place of the ranges that lie within them.
type RangesMerged struct {
	StreamID int64
	Ranges   []Range
}

// StreamReplaced carries a stream whole. Only a replica that fell back to an
// image sees it: what happened in between is not known one by one.
type StreamReplaced struct{ Stream Stream }

// ObjectChanged carries an object as it is now.
type ObjectChanged struct{ Object Object }

// ObjectForgotten says that nothing is left of the object.
type ObjectForgotten struct{ ID int64 }

// Counters are the ids that come next. They only grow: no id is given out twice.
type Counters struct {
	NodeEpoch  int64 `json:"nodeEpoch"`
	StreamID   int64 `json:"streamId"`
	ObjectID   int64 `json:"objectId"`
	ProducerID int64 `json:"producerId"`
}

// CountersChanged carries all of them as they are now.
type CountersChanged struct{ Next Counters }
