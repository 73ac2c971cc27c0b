package group

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// OffsetCommit serves OffsetCommit: v2–4 retention time, v6 leader epoch, v7
// static members, v9 (KIP-848) the same fields, v10 topic ids. It answers when
// the offsets are durable; what a fetch sees changes then, too.
func (c *Coordinator) OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	r, writes := c.prepareCommit(req)
	if len(writes) == 0 {
		return r
	}
	if err := c.commit(ctx, req, writes); err != nil {
		for _, w := range writes {
			w.answer.ErrorCode = err.Code
		}
	}
	return r
}

// offsetWrite is one offset on its way to the log, and where its answer goes.
type offsetWrite struct {
	tp     topicPartition
	value  committed
	answer *kmsg.OffsetCommitResponseTopicPartition
}

// prepareCommit builds the response and picks what can be written.
func (c *Coordinator) prepareCommit(req *kmsg.OffsetCommitRequest) (*kmsg.OffsetCommitResponse, []offsetWrite) {
	r := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	r.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	var writes []offsetWrite
	now := c.cfg.Clock().UnixMilli()
	for i, t := range req.Topics {
		out := &r.Topics[i]
		out.Topic, out.TopicID = t.Topic, t.TopicID
		out.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(t.Partitions))
		name, unknown := c.resolve(req.Version, t)
		for j, p := range t.Partitions {
			answer := &out.Partitions[j]
			answer.Partition = p.Partition
			switch {
			case unknown != nil:
				answer.ErrorCode = unknown.Code
			case p.Partition < 0:
				answer.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case p.Metadata != nil && len(*p.Metadata) > c.cfg.MaxMetadataBytes:
				answer.ErrorCode = kerr.OffsetMetadataTooLarge.Code
			default:
				writes = append(writes, offsetWrite{topicPartition{name, p.Partition}, newCommitted(req, p, now), answer})
			}
		}
	}
	return r, writes
}

// resolve is the name of the topic and, if it is not known, the error.
func (c *Coordinator) resolve(version int16, t kmsg.OffsetCommitRequestTopic) (string, *kerr.Error) {
	if version >= 10 {
		name, ok := c.cfg.Topics.TopicName(t.TopicID)
		if !ok {
			return "", kerr.UnknownTopicID
		}
		return name, nil
	}
	if _, ok := c.cfg.Topics.TopicID(t.Topic); !ok {
		return "", kerr.UnknownTopicOrPartition
	}
	return t.Topic, nil
}

func newCommitted(req *kmsg.OffsetCommitRequest, p kmsg.OffsetCommitRequestTopicPartition, now int64) committed {
	o := committed{offset: p.Offset, leaderEpoch: -1, at: now, expires: -1}
	if p.Metadata != nil {
		o.metadata = *p.Metadata
	}
	if req.Version >= 6 {
		o.leaderEpoch = p.LeaderEpoch
	}
	if req.Version >= 2 && req.Version <= 4 && req.RetentionTimeMillis >= 0 {
		o.expires = now + req.RetentionTimeMillis
	}
	return o
}

// commit writes the offsets and waits until they are durable.
func (c *Coordinator) commit(ctx context.Context, req *kmsg.OffsetCommitRequest, writes []offsetWrite) *kerr.Error {
	if err := c.unready(); err != nil {
		return err
	}
	records := make([]Record, len(writes))
	for i, w := range writes {
		records[i] = Record{Key: encodeKey(req.Group, w.tp), Value: encodeValue(w.value)}
	}
	decided := make(chan error, 1)
	if err := c.appendCommit(ctx, req, writes, records, decided); err != nil {
		return err
	}
	c.store.log.Commit()
	select {
	case err := <-decided:
		if err != nil {
			return clientError(err)
		}
		return nil
	case <-ctx.Done(): // it may be durable yet: clients commit again
		return kerr.CoordinatorNotAvailable
	case <-c.life.Done():
		return kerr.NotCoordinator
	}
}

// appendCommit checks the request against its group and appends the records,
// in one step with respect to all other writes.
func (c *Coordinator) appendCommit(ctx context.Context, req *kmsg.OffsetCommitRequest, writes []offsetWrite, records []Record, decided chan<- error) *kerr.Error {
	if err := c.store.lock(ctx); err != nil {
		return clientError(err)
	}
	defer c.store.unlock()
	g, refused := c.admitCommit(req)
	if refused != nil {
		return refused
	}
	err := c.store.append(ctx, writes[0].value.at, records, func(_ int64, err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.writing--
		if err == nil {
			for _, w := range writes {
				g.offsets[w.tp] = w.value
			}
		}
		decided <- err
	})
	if err != nil {
		g.mu.Lock()
		g.writing--
		g.mu.Unlock()
		return clientError(err)
	}
	if c.store.excess >= c.cfg.SnapshotRecords {
		c.store.due()
	}
	return nil
}

// admitCommit finds the group, checks that the request may commit to it, and
// keeps it from being dropped while the append is under way.
func (c *Coordinator) admitCommit(req *kmsg.OffsetCommitRequest) (*group, *kerr.Error) {
	var g *group
	if req.Generation < 0 {
		// Not a member: a consumer that assigns partitions itself, or a tool.
		if g = c.locked(req.Group); g == nil {
			return nil, kerr.CoordinatorNotAvailable
		}
	} else if g = c.lockedIfThere(req.Group); g == nil {
		return nil, kerr.IllegalGeneration
	}
	defer g.mu.Unlock()
	if err := g.mayCommit(req); err != nil {
		return nil, err
	}
	g.writing++
	return g, nil
}

// mayCommit: members of the current generation may, also while the next one
// gathers, so that they can commit before they give partitions up. Others may
// while nobody is in the group.
func (g *group) mayCommit(req *kmsg.OffsetCommitRequest) *kerr.Error {
	if req.Generation < 0 && len(g.members) == 0 {
		return nil
	}
	if req.Generation < 0 && req.MemberID == "" && req.InstanceID == nil {
		return kerr.UnknownMemberID
	}
	m, err := g.validate(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != g.generation:
		return kerr.IllegalGeneration
	case g.state == CompletingRebalance:
		return kerr.RebalanceInProgress
	}
	g.touch(m) // as good as a heartbeat
	return nil
}
