package meta

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// filled is a state with something of everything in it.
func filled(t *testing.T) *State {
	s := NewState(NewImage())
	for i, cmd := range []Command{
		RegisterNode{NodeID: 1, Advertise: "a:1"},
		WALOpened{NodeID: 1, Epoch: 1},
		CreateTopic{Name: "gone", ID: TopicID{9}, Partitions: 1, Replication: 1},
		DeleteTopic{Name: "gone"},
		CreateTopic{Name: "t", ID: TopicID{1}, Partitions: 2, Replication: 1, Configs: map[string]string{"a": "b"}},
		OpenStream{StreamID: 2, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1},
		PrepareObjects{NodeID: 1, NodeEpoch: 1, Count: 3, Until: 1},
		commitOf(1, 2, 0, 10),
		commitOf(2, 2, 10, 20),
		AlterConfigs{Resource: ResourceBroker, Name: "1", Set: map[string]string{"c": "d"}},
		AllocateProducerIDs{NodeID: 1, NodeEpoch: 1, Count: 10},
	} {
		_, _, err := s.Apply(uint64(i+1), cmd)
		require.NoError(t, err, "%#v", cmd)
	}
	return s
}

func commitOf(object, stream, start, end int64) CommitObject {
	return CommitObject{
		NodeID: 1, NodeEpoch: 1, ObjectID: object, Kind: KindStream, Key: "k", Size: 10, IndexLength: 1,
		Streams: []StreamCommit{{StreamID: stream, Epoch: 1, Start: start, End: end, State: []byte{byte(end)}}},
	}
}

func TestImageSurvivesEncoding(t *testing.T) {
	im := filled(t).Image()
	text := encodeImage(t, im)
	require.Equal(t, text, encodeImage(t, im.Clone()), "equal images are equal bytes")
	got, err := DecodeImage(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, text, encodeImage(t, got))
	require.Equal(t, im.Index(), got.Index())

	_, _, err = NewState(got).Apply(100, CreateTopic{Name: "again", ID: TopicID{9}, Partitions: 1, Replication: 1})
	require.ErrorIs(t, err, ErrTopicIDUsed, "ids stay used over a snapshot")
}

// TestImageRefusesDamage changes one fact at a time.
func TestImageRefusesDamage(t *testing.T) {
	text := encodeImage(t, filled(t).Image())
	for name, change := range map[string][2]string{
		"cut short":        {`"objects":[`, ``},
		"newer format":     {`"format":1`, `"format":2`},
		"unknown field":    {`"format":1`, `"format":1,"x":1`},
		"gap in ranges":    {`"start":10,"end":20`, `"start":11,"end":20`},
		"end behind":       {`"end":20,"ranges"`, `"end":19,"ranges"`},
		"start negative":   {`"start":0,"end":20`, `"start":-1,"end":20`},
		"count of ranges":  {`"liveRanges":1`, `"liveRanges":2`},
		"live, destroyed":  {`"state":"committed"`, `"state":"destroyed"`},
		"object gone":      {`"objectId":2`, `"objectId":7`},
		"stream not there": {`"streamId":2`, `"streamId":4`},
		"leader epoch":     {`"leaderEpoch":1`, `"leaderEpoch":2`},
		"epochs come back": {`"next":{"nodeEpoch":2`, `"next":{"nodeEpoch":1`},
		"objects too":      {`"objectId":4,"producerId"`, `"objectId":3,"producerId"`},
	} {
		damaged := strings.Replace(text, change[0], change[1], 1)
		require.NotEqual(t, text, damaged, name)
		_, err := DecodeImage(strings.NewReader(damaged))
		require.ErrorIs(t, err, ErrDecode, name)
	}
}

// TestValuesAreImmutable: what was handed out stays as it was, and two images
// that go separate ways do not write into each other's ranges.
func TestValuesAreImmutable(t *testing.T) {
	s := filled(t)
	stream, ok := s.Image().Stream(2)
	require.True(t, ok)
	topic, ok := s.Image().Topic("t")
	require.True(t, ok)
	clone := s.Image().Clone()
	clone.Apply(RangeAdded{StreamID: 2, Range: Range{ObjectID: 77, Start: 20, End: 21}})

	for i, cmd := range []Command{
		commitOf(3, 2, 20, 30),
		TrimStream{StreamID: 2, NodeID: 1, NodeEpoch: 1, Start: 15},
		RegisterNode{NodeID: 1},
		WALOpened{NodeID: 1, Epoch: 2},
		OpenStream{StreamID: 2, NodeID: 1, NodeEpoch: 2, StreamEpoch: 2},
		AlterConfigs{Resource: ResourceTopic, Name: "t", Set: map[string]string{"x": "y"}},
	} {
		_, _, err := s.Apply(uint64(100+i), cmd)
		require.NoError(t, err)
	}
	require.Equal(t, []Range{{ObjectID: 1, Start: 0, End: 10}, {ObjectID: 2, Start: 10, End: 20}}, stream.Ranges)
	require.Equal(t, []byte{20}, stream.State)
	require.EqualValues(t, 1, topic.Partitions[0].LeaderEpoch)
	require.Equal(t, map[string]string{"a": "b"}, topic.Configs)
	other, _ := clone.Stream(2)
	require.EqualValues(t, 77, other.Ranges[2].ObjectID)
	now, _ := s.Image().Stream(2)
	require.Equal(t, []Range{{ObjectID: 2, Start: 10, End: 20}, {ObjectID: 3, Start: 20, End: 30}}, now.Ranges)
}

// TestBrokenInvariantsPanic: a change that contradicts the facts is not applied.
func TestBrokenInvariantsPanic(t *testing.T) {
	for name, c := range map[string]Change{
		"topic twice":     TopicCreated{Topic{Name: "t"}},
		"no topic":        TopicDeleted{Name: "x"},
		"no partition":    PartitionChanged{Topic: "t", Partition: Partition{Index: 2}},
		"no stream":       StreamChanged{ID: 77},
		"epoch falls":     StreamChanged{ID: 2, Epoch: 0},
		"start past end":  StreamChanged{ID: 2, Epoch: 1, Start: 21},
		"gap":             RangeAdded{StreamID: 2, Range: Range{Start: 21, End: 22}},
		"empty range":     RangeAdded{StreamID: 2, Range: Range{Start: 20, End: 20}},
		"stream unheard":  StreamReplaced{Stream{ID: 77}},
		"configs of none": ConfigsChanged{Resource: ResourceTopic, Name: "x"},
	} {
		im := filled(t).Image()
		require.Panics(t, func() { im.Apply(c) }, name)
	}
	s := filled(t)
	require.Panics(t, func() { _, _, _ = s.Apply(s.Image().Index(), ExpireObjects{}) }, "an index twice")
}

func TestDeletedIDsAreBounded(t *testing.T) {
	im := NewImage()
	for i := range maxDeleted + 10 {
		id := TopicID{byte(i), byte(i >> 8), byte(i >> 16), 1}
		im.Apply(TopicCreated{Topic{Name: "t", ID: id}})
		im.Apply(TopicDeleted{Name: "t", ID: id})
	}
	require.Len(t, im.deleted, maxDeleted)
}

func TestNames(t *testing.T) {
	require.Equal(t, "prepared committed destroyed", Prepared.String()+" "+Committed.String()+" "+Destroyed.String())
	require.Equal(t, "ObjectKind(9) streamSet", ObjectKind(9).String()+" "+KindStreamSet.String())
	require.Equal(t, "topic broker", ResourceTopic.String()+" "+ResourceBroker.String())
	require.NoError(t, ValidTopicName(strings.Repeat("a", MaxTopicName)))
	require.ErrorIs(t, ValidTopicName(strings.Repeat("a", MaxTopicName+1)), ErrInvalidTopic)
}
