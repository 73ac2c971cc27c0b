package meta

import (
	"maps"
	"slices"
	"strconv"
)

// ValidTopicName says whether Kafka allows the name: 1 to 249 of [a-zA-Z0-9._-],
// and neither "." nor "..". The error wraps ErrInvalidTopic.
func ValidTopicName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > MaxTopicName {
		return refuse(ErrInvalidTopic, "%.300q: 1 to %d bytes, not . or ..", name, MaxTopicName)
	}
	for i := range len(name) {
		if !topicByte(name[i]) {
			return refuse(ErrInvalidTopic, "%q: byte %d is not one of a-z A-Z 0-9 . _ -", name, i)
		}
	}
	return nil
}

func topicByte(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return true
	}
	return b == '.' || b == '_' || b == '-'
}

func (c CreateTopic) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, false }

func (c CreateTopic) execute(im *Image) (Result, []Change, error) {
	if t, ok := im.topics[c.Name]; ok {
		if t.ID == c.ID {
			return Result{Topic: t}, nil, nil
		}
		return Result{}, nil, refuse(ErrTopicExists, "%s", c.Name)
	}
	if err := c.validate(im); err != nil {
		return Result{}, nil, err
	}
	next := im.next
	t := Topic{Name: c.Name, ID: c.ID, Internal: c.Internal, Replication: c.Replication, Configs: c.Configs}
	leaders := c.leaders(im)
	for i, leader := range leaders {
		t.Partitions = append(t.Partitions, Partition{Index: int32(i), StreamID: next.StreamID, Leader: leader})
		next.StreamID++
	}
	return Result{Topic: &t}, []Change{TopicCreated{t}, CountersChanged{next}}, nil
}

func (c CreateTopic) validate(im *Image) error {
	if err := ValidTopicName(c.Name); err != nil {
		return err
	}
	if _, used := im.names[c.ID]; used || c.ID == (TopicID{}) || slices.Contains(im.deleted, c.ID) {
		return refuse(ErrTopicIDUsed, "%s for topic %s", c.ID, c.Name)
	}
	if c.Partitions < 1 || c.Partitions > MaxPartitions {
		return refuse(ErrInvalidPartitions, "%d for topic %s, want 1 to %d", c.Partitions, c.Name, MaxPartitions)
	}
	if c.Replication != -1 && c.Replication < 1 || len(c.Configs) > MaxConfigs {
		return refuse(ErrInvalid, "topic %s: replication factor %d, %d configs", c.Name, c.Replication, len(c.Configs))
	}
	if len(c.Leaders) != 0 && len(c.Leaders) != int(c.Partitions) {
		return refuse(ErrInvalid, "topic %s: %d leaders for %d partitions", c.Name, len(c.Leaders), c.Partitions)
	}
	for _, id := range c.Leaders {
		if _, ok := im.nodes[id]; !ok && id != NoNode {
			return refuse(ErrUnknownNode, "node %d as a leader of topic %s", id, c.Name)
		}
	}
	return nil
}

// leaders are those of the command, or the registered nodes in turn.
func (c CreateTopic) leaders(im *Image) []int32 {
	if len(c.Leaders) != 0 {
		return c.Leaders
	}
	ids := slices.Sorted(maps.Keys(im.nodes))
	if len(ids) == 0 {
		ids = []int32{NoNode}
	}
	out := make([]int32, c.Partitions)
	for i := range out {
		// Stream ids differ between topics, so that topics of one partition do
		// not all land on the first node.
		out[i] = ids[(im.next.StreamID+int64(i))%int64(len(ids))]
	}
	return out
}

func (c DeleteTopic) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, false }

func (c DeleteTopic) execute(im *Image) (Result, []Change, error) {
	name := c.Name
	if name == "" {
		name = im.names[c.ID]
	}
	t, ok := im.topics[name]
	// A delayed repetition must not take a newer topic of the same name.
	if !ok || c.ID != (TopicID{}) && c.ID != t.ID {
		return Result{}, nil, refuse(ErrUnknownTopic, "%.300q, id %s", c.Name, c.ID)
	}
	var dead []Range
	for _, p := range t.Partitions {
		dead = append(dead, im.streams[p.StreamID].Ranges...)
	}
	changes, destroyed := release(im, dead)
	changes = append(changes, TopicDeleted{ID: t.ID, Name: t.Name})
	return Result{Topic: t, DestroyedObjects: destroyed}, changes, nil
}

func (c AlterConfigs) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, false }

func (c AlterConfigs) execute(im *Image) (Result, []Change, error) {
	old, err := c.current(im)
	if err != nil {
		return Result{}, nil, err
	}
	configs := map[string]string{}
	if !c.Replace {
		maps.Copy(configs, old)
	}
	for _, name := range c.Delete {
		delete(configs, name)
	}
	maps.Copy(configs, c.Set)
	if len(configs) > MaxConfigs {
		return Result{}, nil, refuse(ErrInvalid, "%s %q would have %d configs, at most %d", c.Resource, c.Name, len(configs), MaxConfigs)
	}
	if maps.Equal(old, configs) {
		return Result{Configs: configs}, nil, nil
	}
	return Result{Configs: configs}, []Change{ConfigsChanged{Resource: c.Resource, Name: c.Name, Configs: configs}}, nil
}

func (c AlterConfigs) current(im *Image) (map[string]string, error) {
	if c.Resource == ResourceTopic {
		t, ok := im.topics[c.Name]
		if !ok {
			return nil, refuse(ErrUnknownTopic, "%.300q", c.Name)
		}
		return t.Configs, nil
	}
	id, err := strconv.ParseInt(c.Name, 10, 32)
	if c.Name != "" && (err != nil || id < 0 || strconv.FormatInt(id, 10) != c.Name) {
		return nil, refuse(ErrInvalid, "broker %.40q is not a node id", c.Name)
	}
	return im.brokers[c.Name], nil
}
