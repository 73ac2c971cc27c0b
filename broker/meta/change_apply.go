package meta

import (
	"fmt"
	"maps"
	"slices"
	"sort"
)

// broken describes a change that contradicts the facts: a fault of this
// package or of what carried the change, never of a user.
func broken(format string, args ...any) string {
	return "meta: broken invariant: " + fmt.Sprintf(format, args...)
}

func (c NodeChanged) apply(im *Image) { im.nodes[c.Node.ID] = c.Node }

func (c TopicCreated) apply(im *Image) {
	t := c.Topic
	if _, ok := im.topics[t.Name]; ok {
		panic(broken("topic %s created twice", t.Name))
	}
	im.topics[t.Name], im.names[t.ID] = &t, t.Name
	for _, p := range t.Partitions {
		im.streams[p.StreamID] = newStream(t.Name, p)
	}
}

// newStream is the stream behind a partition before its first opening.
func newStream(topic string, p Partition) *Stream {
	return &Stream{ID: p.StreamID, Topic: topic, Partition: p.Index, Node: NoNode}
}

func (c TopicDeleted) apply(im *Image) {
	t := im.mustTopic(c.Name)
	for _, p := range t.Partitions {
		delete(im.streams, p.StreamID)
	}
	delete(im.topics, c.Name)
	delete(im.names, c.ID)
	im.deleted = append(im.deleted, c.ID)
	if len(im.deleted) > maxDeleted {
		im.deleted = im.deleted[1:]
	}
}

func (c PartitionChanged) apply(im *Image) {
	t := *im.mustTopic(c.Topic)
	if c.Partition.Index < 0 || int(c.Partition.Index) >= len(t.Partitions) {
		panic(broken("topic %s has no partition %d", c.Topic, c.Partition.Index))
	}
	t.Partitions = slices.Clone(t.Partitions)
	t.Partitions[c.Partition.Index] = c.Partition
	im.topics[c.Topic] = &t
}

func (c ConfigsChanged) apply(im *Image) {
	if c.Resource == ResourceTopic {
		t := *im.mustTopic(c.Name)
		t.Configs = c.Configs
		im.topics[c.Name] = &t
		return
	}
	if len(c.Configs) == 0 {
		delete(im.brokers, c.Name)
		return
	}
	im.brokers[c.Name] = c.Configs
}

func (c StreamChanged) apply(im *Image) {
	s := *im.mustStream(c.ID)
	if c.Epoch < s.Epoch || c.Start < s.Start || c.Start > s.End {
		panic(broken("stream %d from epoch %d, start %d of end %d to epoch %d, start %d",
			c.ID, s.Epoch, s.Start, s.End, c.Epoch, c.Start))
	}
	s.Epoch, s.Node, s.NodeEpoch, s.Open, s.Start = c.Epoch, c.Node, c.NodeEpoch, c.Open, c.Start
	s.Ranges = s.Ranges[deadRanges(s.Ranges, c.Start):]
	im.streams[c.ID] = &s
}

// deadRanges counts the ranges wholly below start.
func deadRanges(ranges []Range, start int64) int {
	n := 0
	for n < len(ranges) && ranges[n].End <= start {
		n++
	}
	return n
}

func (c RangeAdded) apply(im *Image) {
	s := *im.mustStream(c.StreamID)
	if c.Range.Start != s.End || c.Range.End <= c.Range.Start {
		panic(broken("stream %d: range [%d, %d) at end %d", c.StreamID, c.Range.Start, c.Range.End, s.End))
	}
	s.Ranges = append(s.Ranges, c.Range)
	s.End, s.State = c.Range.End, c.State
	im.streams[c.StreamID] = &s
}

func (c RangesMerged) apply(im *Image) {
	s := *im.mustStream(c.StreamID)
	start, end := c.Ranges[0].Start, c.Ranges[len(c.Ranges)-1].End
	from, to := within(s.Ranges, start, end)
	if from == to || s.Ranges[to-1].End != end {
		panic(broken("stream %d: no ranges that [%d, %d) could replace", c.StreamID, start, end))
	}
	// A copy: readers hold the old array.
	merged := make([]Range, 0, len(s.Ranges)-(to-from)+len(c.Ranges))
	merged = append(merged, s.Ranges[:from]...)
	merged = append(merged, c.Ranges...)
	s.Ranges = append(merged, s.Ranges[to:]...)
	im.streams[c.StreamID] = &s
}

// within is the ranges [from, to) of those that end after start and up to end.
func within(ranges []Range, start, end int64) (from, to int) {
	from = sort.Search(len(ranges), func(i int) bool { return ranges[i].End > start })
	to = sort.Search(len(ranges), func(i int) bool { return ranges[i].End > end })
	return from, max(from, to)
}

func (c StreamReplaced) apply(im *Image) {
	s := c.Stream
	im.mustStream(s.ID)
	s.Ranges = slices.Clip(s.Ranges)
	im.streams[s.ID] = &s
}

func (c ObjectChanged) apply(im *Image) {
	o := c.Object
	im.objects[o.ID] = &o
}

func (c ObjectForgotten) apply(im *Image) { delete(im.objects, c.ID) }

func (c CountersChanged) apply(im *Image) { im.next = c.Next }

func (im *Image) mustTopic(name string) *Topic {
	t, ok := im.topics[name]
	if !ok {
		panic(broken("change of topic %s, which does not exist", name))
	}
	return t
}

func (im *Image) mustStream(id int64) *Stream {
	s, ok := im.streams[id]
	if !ok {
		panic(broken("change of stream %d, which does not exist", id))
	}
	return s
}

// The weights below are what the change keeps alive besides the image, in
// bytes: close enough to bound the change log, cheap enough to ask each time.

const weightOfChange = 96

func (c NodeChanged) weight() int      { return weightOfChange + len(c.Node.Advertise) }
func (c TopicDeleted) weight() int     { return weightOfChange }
func (c PartitionChanged) weight() int { return weightOfChange }
func (c StreamChanged) weight() int    { return weightOfChange }
func (c RangeAdded) weight() int       { return weightOfChange + len(c.State) }
func (c RangesMerged) weight() int     { return weightOfChange + 32*len(c.Ranges) }
func (c ObjectChanged) weight() int    { return weightOfChange + len(c.Object.Key) }
func (c ObjectForgotten) weight() int  { return weightOfChange }
func (c CountersChanged) weight() int  { return weightOfChange }
func (c ConfigsChanged) weight() int   { return weightOfChange + weightOfConfigs(c.Configs) }

func (c TopicCreated) weight() int {
	return weightOfChange + 32*len(c.Topic.Partitions) + weightOfConfigs(c.Topic.Configs)
}

func (c StreamReplaced) weight() int {
	return weightOfChange + 32*len(c.Stream.Ranges) + len(c.Stream.State)
}

func weightOfConfigs(m map[string]string) int {
	sum := 0
	for k := range maps.All(m) {
		sum += len(k) + len(m[k]) + 32
	}
	return sum
}
