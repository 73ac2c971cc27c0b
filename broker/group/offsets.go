package group

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicPartition is what an offset is committed for.
type topicPartition struct {
	topic     string
	partition int32
}

// committed is one committed offset.
type committed struct {
	offset      int64
	leaderEpoch int32 // −1 unknown
	metadata    string
	at          int64 // ms, of the commit
	expires     int64 // ms; −1: with the group's retention
}

// Versions of keys and values, as Kafka has them: see the package comment.
const (
	keyVersion      = 1
	valueVersion    = 3
	expiringVersion = 1 // the one with an expiry of its own; it has no leader epoch
	lastOffsetKey   = 1 // keys of a larger version are not offsets
)

func encodeKey(group string, tp topicPartition) []byte {
	k := kmsg.OffsetCommitKey{Version: keyVersion, Group: group, Topic: tp.topic, Partition: tp.partition}
	return k.AppendTo(nil)
}

func encodeValue(o committed) []byte {
	v := kmsg.OffsetCommitValue{
		Version: valueVersion, Offset: o.offset, LeaderEpoch: o.leaderEpoch, Metadata: o.metadata, CommitTimestamp: o.at,
	}
	if o.expires >= 0 {
		v.Version, v.ExpireTimestamp = expiringVersion, o.expires
	}
	return v.AppendTo(nil)
}

func decodeValue(src []byte) (committed, error) {
	var v kmsg.OffsetCommitValue
	if err := v.ReadFrom(src); err != nil {
		return committed{}, err
	}
	o := committed{offset: v.Offset, leaderEpoch: -1, metadata: v.Metadata, at: v.CommitTimestamp, expires: -1}
	if v.Version >= valueVersion {
		o.leaderEpoch = v.LeaderEpoch
	}
	if v.Version == expiringVersion {
		o.expires = v.ExpireTimestamp
	}
	return o, nil
}

// offsetsByGroup are the live offsets.
type offsetsByGroup map[string]map[topicPartition]committed

func count(live offsetsByGroup) int {
	n := 0
	for _, offsets := range live {
		n += len(offsets)
	}
	return n
}

// replayed is what a replay of the log yields.
type replayed struct {
	live    offsetsByGroup
	records int // that the log holds
	skipped int // records and batches that could not be decoded
}

// loudSkips is how many skipped records or batches have a line in the log each;
// of the others there is the sum.
const loudSkips = 10

// readOffsets replays the log. Records of other kinds, which Kafka or a later
// version may have written, are counted and passed over. So is what cannot be
// decoded, with a warning: a group that has lost an offset begins where its
// reset policy says, while a load that fails is the end of all groups.
func readOffsets(ctx context.Context, log Log, logger *slog.Logger) (replayed, error) {
	out := replayed{live: make(offsetsByGroup)}
	skip := func(start, end int64, err error) {
		if out.skipped++; out.skipped <= loudSkips {
			logger.Warn("committed offsets that cannot be decoded are skipped", "topic", TopicName, "start", start, "end", end, "error", err)
		}
	}
	err := log.Read(ctx, func(r Record) {
		out.records++
		if len(r.Key) < 2 || int16(binary.BigEndian.Uint16(r.Key)) > lastOffsetKey {
			return
		}
		if err := out.live.apply(r); err != nil {
			skip(r.Offset, r.Offset+1, err)
		}
	}, skip)
	if err == nil && out.skipped > 0 {
		logger.Warn("groups whose offsets were skipped begin where their reset policy says", "topic", TopicName, "skipped", out.skipped, "read", out.records)
	}
	return out, err
}

func (live offsetsByGroup) apply(r Record) error {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("key %x: %w", r.Key[:min(len(r.Key), 64)], err)
	}
	tp := topicPartition{k.Topic, k.Partition}
	if r.Value == nil {
		delete(live[k.Group], tp)
		if len(live[k.Group]) == 0 {
			delete(live, k.Group)
		}
		return nil
	}
	o, err := decodeValue(r.Value)
	if err != nil {
		return fmt.Errorf("offset of group %q for %s-%d: %w", k.Group, k.Topic, k.Partition, err)
	}
	if live[k.Group] == nil {
		live[k.Group] = make(map[topicPartition]committed)
	}
	live[k.Group][tp] = o
	return nil
}
