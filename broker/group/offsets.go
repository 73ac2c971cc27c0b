package group

import (
	"context"
	"encoding/binary"
	"fmt"

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

// offsetsByGroup is what a replay of the log yields.
type offsetsByGroup map[string]map[topicPartition]committed

func count(live offsetsByGroup) int {
	n := 0
	for _, offsets := range live {
		n += len(offsets)
	}
	return n
}

// readOffsets replays the log. Records of other kinds, which Kafka or a later
// version may have written, are counted and passed over.
func readOffsets(ctx context.Context, log Log) (live offsetsByGroup, records int, err error) {
	live = make(offsetsByGroup)
	err = log.Read(ctx, func(r Record) error {
		records++
		if len(r.Key) < 2 || int16(binary.BigEndian.Uint16(r.Key)) > lastOffsetKey {
			return nil
		}
		return live.apply(r)
	})
	return live, records, err
}

func (live offsetsByGroup) apply(r Record) error {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("key %x: %w", r.Key, err)
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
