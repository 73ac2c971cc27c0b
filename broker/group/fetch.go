package group

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// OffsetFetch serves OffsetFetch: v2 null topics for all and a top-level
// error, v5 leader epoch, v7 RequireStable (always so: there are no
// transactions), v8 many groups, v9 member id and epoch (KIP-848, ignored for
// the classic groups that there are), v10 topic ids. Only what is durable is
// answered; an offset that was never committed is −1, without an error.
func (c *Coordinator) OffsetFetch(_ context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	r := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	r.Topics = []kmsg.OffsetFetchResponseTopic{}
	r.Groups = make([]kmsg.OffsetFetchResponseGroup, 0, len(req.Groups))
	if req.Version < 8 {
		c.fetchOne(req, r)
		return r
	}
	for _, g := range req.Groups {
		r.Groups = append(r.Groups, c.fetchGroup(req.Version, g))
	}
	return r
}

// fetchOne serves the versions with one group by way of the later ones.
func (c *Coordinator) fetchOne(req *kmsg.OffsetFetchRequest, r *kmsg.OffsetFetchResponse) {
	ask := kmsg.OffsetFetchRequestGroup{Group: req.Group}
	if req.Topics != nil || req.Version < 2 {
		ask.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(req.Topics))
	}
	for _, t := range req.Topics {
		ask.Topics = append(ask.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	g := c.fetchGroup(req.Version, ask)
	r.ErrorCode = g.ErrorCode
	for _, t := range g.Topics {
		out := kmsg.OffsetFetchResponseTopic{Topic: t.Topic, Partitions: make([]kmsg.OffsetFetchResponseTopicPartition, len(t.Partitions))}
		for i, p := range t.Partitions {
			out.Partitions[i] = kmsg.OffsetFetchResponseTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata, ErrorCode: p.ErrorCode,
			}
		}
		r.Topics = append(r.Topics, out)
	}
}

func (c *Coordinator) fetchGroup(version int16, ask kmsg.OffsetFetchRequestGroup) kmsg.OffsetFetchResponseGroup {
	out := kmsg.OffsetFetchResponseGroup{Group: ask.Group, Topics: make([]kmsg.OffsetFetchResponseGroupTopic, 0, len(ask.Topics))}
	if err := c.unready(); err != nil {
		out.ErrorCode = err.Code
		if version < 2 { // no top-level error yet
			out.Topics = failed(ask, err)
		}
		return out
	}
	offsets := c.offsetsOf(ask.Group)
	if ask.Topics == nil {
		out.Topics = c.fetchAll(version, offsets)
		return out
	}
	for _, t := range ask.Topics {
		out.Topics = append(out.Topics, c.fetchTopic(version, t, offsets))
	}
	return out
}

// offsetsOf is a copy of what a group has committed.
func (c *Coordinator) offsetsOf(id string) map[topicPartition]committed {
	g := c.lockedIfThere(id)
	if g == nil {
		return nil
	}
	defer g.mu.Unlock()
	return maps.Clone(g.offsets)
}

// fetchAll answers for everything committed, in order of topic and partition.
// From v10 on a topic that is not there any more has no id to be named by and
// is left out.
func (c *Coordinator) fetchAll(version int16, offsets map[topicPartition]committed) []kmsg.OffsetFetchResponseGroupTopic {
	tps := slices.SortedFunc(maps.Keys(offsets), func(a, b topicPartition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	out := []kmsg.OffsetFetchResponseGroupTopic{}
	for _, tp := range tps {
		if len(out) == 0 || out[len(out)-1].Topic != tp.topic {
			id, ok := c.cfg.Topics.TopicID(tp.topic)
			if !ok && version >= 10 {
				continue
			}
			out = append(out, kmsg.OffsetFetchResponseGroupTopic{Topic: tp.topic, TopicID: id})
		}
		t := &out[len(out)-1]
		t.Partitions = append(t.Partitions, fetched(tp.partition, offsets[tp], true))
	}
	return out
}

func (c *Coordinator) fetchTopic(version int16, t kmsg.OffsetFetchRequestGroupTopic, offsets map[topicPartition]committed) kmsg.OffsetFetchResponseGroupTopic {
	name, known := t.Topic, true
	if version >= 10 {
		name, known = c.cfg.Topics.TopicName(t.TopicID)
	}
	out := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic, TopicID: t.TopicID, Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{}}
	for _, p := range t.Partitions {
		o, ok := offsets[topicPartition{name, p}]
		answer := fetched(p, o, ok && known)
		if !known {
			answer.ErrorCode = kerr.UnknownTopicID.Code
		}
		out.Partitions = append(out.Partitions, answer)
	}
	return out
}

// fetched is the answer for one partition.
func fetched(partition int32, o committed, ok bool) kmsg.OffsetFetchResponseGroupTopicPartition {
	if !ok {
		o = committed{offset: -1, leaderEpoch: -1}
	}
	return kmsg.OffsetFetchResponseGroupTopicPartition{Partition: partition, Offset: o.offset, LeaderEpoch: o.leaderEpoch, Metadata: &o.metadata}
}

// failed gives every partition asked for the same error.
func failed(ask kmsg.OffsetFetchRequestGroup, err *kerr.Error) []kmsg.OffsetFetchResponseGroupTopic {
	var out []kmsg.OffsetFetchResponseGroupTopic
	for _, t := range ask.Topics {
		topic := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			answer := fetched(p, committed{}, false)
			answer.ErrorCode = err.Code
			topic.Partitions = append(topic.Partitions, answer)
		}
		out = append(out, topic)
	}
	return out
}
