package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// snapshotBatch is how many offsets of a snapshot go into one record batch:
// about 64 KiB with usual names.
const snapshotBatch = 500

// keep expires offsets and bounds the log, until Close.
func (c *Coordinator) keep() {
	tick := time.NewTicker(c.cfg.CheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case <-tick.C:
			c.try("expire offsets", c.expire)
			c.try("trim the log of offsets", c.trim)
		case <-c.store.kick:
			c.try("snapshot of offsets", c.snapshot)
			c.try("trim the log of offsets", c.trim)
		}
	}
}

// try logs what failed; the next tick tries again.
func (c *Coordinator) try(what string, fn func(context.Context) error) {
	if err := fn(c.life); err != nil && c.life.Err() == nil {
		c.cfg.Logger.Warn("group coordinator: "+what+" failed, trying again later", "error", err)
	}
}

// snapshot appends all live offsets, so that the log before them can go.
// Commits wait meanwhile: one that came in between would be in the log before
// an older value of the same offset.
func (c *Coordinator) snapshot(ctx context.Context) error {
	s := &c.store
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.settled(ctx); err != nil {
		return err
	}
	records := c.liveRecords()
	if len(records) == 0 { // something must say where the log may be cut
		records = []Record{{Key: encodeKey("", topicPartition{})}}
	}
	start, err := c.appendAll(ctx, records)
	if err != nil {
		return err
	}
	s.excess = 0
	s.trimTo = start
	return nil
}

// liveRecords are all offsets of all groups as records.
func (c *Coordinator) liveRecords() []Record {
	var records []Record
	for _, g := range c.all() {
		g.mu.Lock()
		for tp, o := range g.offsets {
			records = append(records, Record{Key: encodeKey(g.id, tp), Value: encodeValue(o)})
		}
		g.mu.Unlock()
	}
	return records
}

// appendAll appends records in batches and returns, when all are durable, the
// offset of the first.
func (c *Coordinator) appendAll(ctx context.Context, records []Record) (start int64, err error) {
	type decision struct {
		base int64
		err  error
	}
	batches := (len(records) + snapshotBatch - 1) / snapshotBatch
	decided := make(chan decision, batches)
	now := c.cfg.Clock().UnixMilli()
	appended := 0
	for ; len(records) > 0 && err == nil; appended++ {
		n := min(snapshotBatch, len(records))
		err = c.store.append(ctx, now, records[:n], func(base int64, err error) { decided <- decision{base, err} })
		records = records[n:]
	}
	if err != nil {
		return 0, err
	}
	c.store.log.Commit()
	for i := range appended {
		select {
		case d := <-decided: // they come in the order of the appends
			if i == 0 {
				start = d.base
			}
			if d.err != nil {
				return 0, d.err
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return start, nil
}

// trim cuts the log where the last snapshot starts. A log that refuses, as
// while that place is not in an object yet, is asked again at the next tick.
func (c *Coordinator) trim(ctx context.Context) error {
	s := &c.store
	if s.trimTo == 0 {
		return nil
	}
	if err := s.log.Trim(ctx, s.trimTo); err != nil {
		c.cfg.Logger.Debug("log of offsets cannot be trimmed yet", "start", s.trimTo, "error", err)
		return nil
	}
	s.trimTo = 0
	return nil
}

// expire deletes the offsets that nobody has used for the retention time, and
// forgets groups that have nothing left.
func (c *Coordinator) expire(ctx context.Context) error {
	for _, g := range c.all() {
		if err := c.deleteOffsets(ctx, g, g.expired); err != nil {
			return err
		}
		g.mu.Lock()
		if g.idle() && len(g.offsets) == 0 {
			c.drop(g)
		}
		g.mu.Unlock()
	}
	return nil
}

// idle tells that no member is there and none may come, and that nothing is
// being written.
func (g *group) idle() bool {
	return g.state == Empty && g.livePending() == 0 && g.writing == 0
}

// expired are the offsets to delete.
func (g *group) expired() []topicPartition {
	if !g.idle() {
		return nil
	}
	now := g.c.cfg.Clock()
	var out []topicPartition
	for tp, o := range g.offsets {
		since := time.UnixMilli(o.at)
		if g.emptySince.After(since) {
			since = g.emptySince
		}
		if o.expires >= 0 && now.UnixMilli() >= o.expires || o.expires < 0 && now.Sub(since) >= g.c.cfg.OffsetRetention {
			out = append(out, tp)
		}
	}
	return out
}

// ForgetTopic deletes all offsets for a topic that was deleted, so that one
// made again under the same name starts without.
func (c *Coordinator) ForgetTopic(ctx context.Context, topic string) error {
	if err := c.unready(); err != nil {
		return err
	}
	for _, g := range c.all() {
		err := c.deleteOffsets(ctx, g, func() (out []topicPartition) {
			for tp := range g.offsets {
				if tp.topic == topic {
					out = append(out, tp)
				}
			}
			return out
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteOffsets deletes what pick, run with the group's lock, returns. It runs
// twice: the second time no write is under way, so that what is deleted is
// also the newest in the log.
func (c *Coordinator) deleteOffsets(ctx context.Context, g *group, pick func() []topicPartition) error {
	if len(g.picked(pick)) == 0 {
		return nil
	}
	s := &c.store
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.settled(ctx); err != nil {
		return err
	}
	tps := g.picked(pick)
	if len(tps) == 0 {
		return nil
	}
	records := make([]Record, len(tps))
	for i, tp := range tps {
		records[i] = Record{Key: encodeKey(g.id, tp)}
	}
	if _, err := c.appendAll(ctx, records); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tp := range tps {
		delete(g.offsets, tp)
	}
	if s.excess += len(tps); s.excess >= c.cfg.SnapshotRecords { // the records deleted are excess now, too
		s.due()
	}
	return nil
}

func (g *group) picked(pick func() []topicPartition) []topicPartition {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == Dead {
		return nil
	}
	return pick()
}

// deleteGroup deletes a group that has no members, with its offsets.
func (c *Coordinator) deleteGroup(ctx context.Context, id string) *kerr.Error {
	g := c.find(id)
	if g == nil {
		return kerr.GroupIDNotFound
	}
	busy := false
	err := c.deleteOffsets(ctx, g, func() (out []topicPartition) {
		if busy = !g.idle(); busy {
			return nil
		}
		for tp := range g.offsets {
			out = append(out, tp)
		}
		return out
	})
	if err != nil {
		return clientError(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == Dead {
		return kerr.GroupIDNotFound
	}
	if busy || !g.idle() || len(g.offsets) > 0 {
		return kerr.NonEmptyGroup
	}
	c.drop(g)
	return nil
}
