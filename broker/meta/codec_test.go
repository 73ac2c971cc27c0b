package meta

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everyCommand has one of each type, with all the fields that can get lost.
var everyCommand = []Command{
	RegisterNode{NodeID: 1, Advertise: "a:1"},
	WALOpened{NodeID: 1, Epoch: 2},
	WALClosed{NodeID: 1, Epoch: 2},
	CreateTopic{
		NodeID: 1, NodeEpoch: 2, Name: "t", ID: TopicID{1, 15: 9}, Partitions: 2, Replication: 3,
		Configs: map[string]string{"a": "b"}, Internal: true, Leaders: []int32{1, -1},
	},
	DeleteTopic{NodeID: 1, NodeEpoch: 2, Name: "t", ID: TopicID{7}},
	OpenStream{StreamID: 1, NodeID: 2, NodeEpoch: 3, StreamEpoch: 1 << 60},
	CloseStream{StreamID: 1, NodeID: 2, NodeEpoch: 3, StreamEpoch: 4},
	PrepareObjects{NodeID: 1, NodeEpoch: 2, Count: 3, Until: 4},
	CommitObject{
		NodeID: 1, NodeEpoch: 2, ObjectID: 3, Kind: KindStreamSet, Key: "k", Size: 4, IndexPosition: 1, IndexLength: 2,
		Streams:       []StreamCommit{{StreamID: 1, Epoch: 2, Start: 3, End: 4, MaxTimestamp: -1, Bytes: 6, State: []byte{0, 255}}},
		StreamObjects: []StreamObject{{ObjectID: 9, Key: "l", Size: 8, IndexPosition: 7, IndexLength: 6, Stream: StreamCommit{StreamID: 5}}},
	},
	CompactObjects{
		NodeID: 1, NodeEpoch: 2, Sources: []int64{3, 4},
		Objects: []CompactedObject{{
			ObjectID: 5, Kind: KindStream, Key: "k", Size: 6, IndexPosition: 7, IndexLength: 8,
			Shares: []CompactedShare{{StreamID: 9, Epoch: 10, Start: 11, End: 12}},
		}},
	},
	TrimStream{StreamID: 1, NodeID: 2, NodeEpoch: 3, Start: 4},
	ExpireObjects{NodeID: 1, NodeEpoch: 2, Before: 3},
	ForgetObjects{NodeID: 1, NodeEpoch: 2, IDs: []int64{3, 4}},
	AllocateProducerIDs{NodeID: 1, NodeEpoch: 2, Count: 3},
	AlterConfigs{
		NodeID: 1, NodeEpoch: 2, Resource: ResourceBroker, Name: "1", Replace: true,
		Set: map[string]string{"a": "b"}, Delete: []string{"c"},
	},
}

func TestCommandsSurviveEncoding(t *testing.T) {
	require.Len(t, everyCommand, len(decoders), "a command is missing here")
	for _, cmd := range everyCommand {
		data, err := EncodeCommand(cmd)
		require.NoError(t, err)
		got, err := DecodeCommand(data)
		require.NoError(t, err, "%s", data)
		require.Equal(t, cmd, got)
	}
}

func TestEncodeRefuses(t *testing.T) {
	_, err := EncodeCommand(&CreateTopic{Name: "a pointer"})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = EncodeCommand(CommitObject{Key: "no kind"})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = EncodeCommand(DeleteTopic{Name: strings.Repeat("x", MaxEncoded)})
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestDecodeRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":         ``,
		"not JSON":        `x`,
		"no object":       `7`,
		"unknown type":    `{"type":"Nope","version":1,"body":{}}`,
		"a result":        `{"type":"Result","version":1,"body":{}}`,
		"newer version":   `{"type":"WALOpened","version":2,"body":{"nodeId":1,"epoch":1}}`,
		"no version":      `{"type":"WALOpened","body":{"nodeId":1,"epoch":1}}`,
		"unknown field":   `{"type":"WALOpened","version":1,"body":{"nodeId":1,"epoch":1,"x":1}}`,
		"number too big":  `{"type":"WALOpened","version":1,"body":{"nodeId":99999999999}}`,
		"no body":         `{"type":"WALOpened","version":1}`,
		"two values":      `{"type":"WALOpened","version":1,"body":{}}{}`,
		"short topic id":  `{"type":"DeleteTopic","version":1,"body":{"id":"12"}}`,
		"no such kind":    `{"type":"CommitObject","version":1,"body":{"kind":"x"}}`,
		"empty enum name": `{"type":"CommitObject","version":1,"body":{"kind":""}}`,
		"longer than any": strings.Repeat(" ", MaxEncoded+1),
	} {
		_, err := DecodeCommand([]byte(data))
		require.ErrorIs(t, err, ErrDecode, name)
	}
}

func TestResultsSurviveEncoding(t *testing.T) {
	want := Result{
		Index: 7, NodeEpoch: 3, OpenStreams: []StreamEnd{{StreamID: 1, Epoch: 2, End: 3, State: []byte{1}}},
		Topic: &Topic{Name: "t", Partitions: []Partition{{StreamID: 1}}}, DroppedStreams: []int64{1},
	}
	data, err := EncodeResult(want, nil)
	require.NoError(t, err)
	got, remote, err := DecodeResult(data)
	require.NoError(t, err)
	require.NoError(t, remote)
	require.Equal(t, want, got)

	for _, bad := range []string{``, `{"type":"WALOpened","version":1,"body":{}}`, `{"type":"Result","version":1,"body":[]}`} {
		_, _, err := DecodeResult([]byte(bad))
		require.ErrorIs(t, err, ErrDecode)
	}
}

func TestErrorsSurviveEncoding(t *testing.T) {
	for code, sentinel := range errorsByCode {
		require.Equal(t, code, sentinel.Code)
		wrapped := refuse(sentinel, "stream %d", 7)
		data, err := EncodeResult(Result{Index: 1}, wrapped)
		require.NoError(t, err)
		_, remote, err := DecodeResult(data)
		require.NoError(t, err)
		require.ErrorIs(t, remote, sentinel)
		require.Equal(t, wrapped.Error(), remote.Error())
	}
	for _, foreign := range []error{errors.New("disk full"), &NotLeaderError{Leader: "h:1"}, &NotLeaderError{}} {
		data, err := EncodeResult(Result{}, foreign)
		require.NoError(t, err)
		_, remote, err := DecodeResult(data)
		require.NoError(t, err)
		require.EqualError(t, remote, foreign.Error())
		require.Equal(t, errors.Is(foreign, ErrNotLeader), errors.Is(remote, ErrNotLeader))
	}
	_, remote, err := DecodeResult([]byte(`{"type":"Result","version":1,"body":{"result":{"index":1},"code":"NEWER","error":"meta: new"}}`))
	require.NoError(t, err)
	require.EqualError(t, remote, "meta: new")
}

// FuzzDecodeCommand: whatever the bytes, an error or a command that encodes to
// something that decodes to the same command, and that the state machine takes
// or refuses without panicking.
func FuzzDecodeCommand(f *testing.F) {
	for _, cmd := range everyCommand {
		data, err := EncodeCommand(cmd)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cmd, err := DecodeCommand(data)
		if err != nil {
			require.ErrorIs(t, err, ErrDecode)
			return
		}
		s := NewState(NewImage())
		for i, c := range []Command{RegisterNode{NodeID: 1}, WALOpened{NodeID: 1, Epoch: 1}, cmd} {
			_, _, _ = s.Apply(uint64(i+1), c) // refusals are as good as answers
			require.NoError(t, s.Image().Check())
		}
		again, err := EncodeCommand(cmd)
		if errors.Is(err, ErrInvalid) {
			return // a field that may not be zero was left out
		}
		require.NoError(t, err)
		back, err := DecodeCommand(again)
		require.NoError(t, err)
		require.True(t, reflect.DeepEqual(normal(cmd), normal(back)), "%#v\n%#v", cmd, back)
	})
}

// normal encodes, for an empty list and none are the same command.
func normal(cmd Command) string {
	data, _ := EncodeCommand(cmd)
	return string(data)
}
