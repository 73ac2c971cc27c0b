package meta

import (
	"bytes"
	"maps"
	"slices"
)

// diff is the changes that lead from one image to another. Applied to the first
// they give the second, but for the list of deleted topic ids, of which a
// replica has no use.
func diff(from, to *Image) []Change {
	var out []Change
	for _, t := range from.Topics() {
		if to.names[t.ID] != t.Name {
			out = append(out, TopicDeleted{ID: t.ID, Name: t.Name})
		}
	}
	if from.next != to.next {
		out = append(out, CountersChanged{to.next})
	}
	for _, n := range to.Nodes() {
		if from.nodes[n.ID] != n {
			out = append(out, NodeChanged{n})
		}
	}
	out = append(out, diffObjects(from, to)...)
	for _, t := range to.Topics() {
		out = append(out, diffTopic(from, t)...)
	}
	out = append(out, diffStreams(from, to)...)
	return append(out, diffBrokers(from, to)...)
}

func diffObjects(from, to *Image) []Change {
	var out []Change
	for _, id := range slices.Sorted(maps.Keys(to.objects)) {
		if old, ok := from.objects[id]; !ok || *old != *to.objects[id] {
			out = append(out, ObjectChanged{*to.objects[id]})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(from.objects)) {
		if _, ok := to.objects[id]; !ok {
			out = append(out, ObjectForgotten{id})
		}
	}
	return out
}

func diffTopic(from *Image, t Topic) []Change {
	old, ok := from.TopicByID(t.ID)
	if !ok {
		return []Change{TopicCreated{t}}
	}
	var out []Change
	for i, p := range t.Partitions {
		if old.Partitions[i] != p {
			out = append(out, PartitionChanged{TopicID: t.ID, Topic: t.Name, Partition: p})
		}
	}
	if !maps.Equal(old.Configs, t.Configs) {
		out = append(out, ConfigsChanged{Resource: ResourceTopic, Name: t.Name, Configs: t.Configs})
	}
	return out
}

func diffStreams(from, to *Image) []Change {
	var out []Change
	for _, s := range to.Streams() {
		old, ok := from.streams[s.ID]
		if !ok {
			old = newStream(s.Topic, Partition{StreamID: s.ID, Index: s.Partition})
		}
		if !sameStream(*old, s) {
			out = append(out, StreamReplaced{s})
		}
	}
	return out
}

func sameStream(a, b Stream) bool {
	return streamChanged(a) == streamChanged(b) && a.End == b.End &&
		slices.Equal(a.Ranges, b.Ranges) && bytes.Equal(a.State, b.State)
}

func diffBrokers(from, to *Image) []Change {
	names := maps.Clone(from.brokers)
	maps.Copy(names, to.brokers)
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !maps.Equal(from.brokers[name], to.brokers[name]) {
			out = append(out, ConfigsChanged{Resource: ResourceBroker, Name: name, Configs: to.brokers[name]})
		}
	}
	return out
}
