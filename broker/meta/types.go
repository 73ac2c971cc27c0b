package meta

import (
	"encoding/hex"
	"fmt"
)

// TopicID is Kafka's topic id. Whoever creates the topic draws it; the state
// machine refuses one that it has seen before.
type TopicID [16]byte

// String is the id in lower-case hex.
func (id TopicID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText makes JSON carry the id as hex.
func (id TopicID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *TopicID) UnmarshalText(src []byte) error {
	if len(src) != 2*len(id) {
		return fmt.Errorf("meta: topic id of %d characters, want %d", len(src), 2*len(id))
	}
	_, err := hex.Decode(id[:], src)
	return err
}

// Node is a broker as the metadata knows it.
type Node struct {
	ID        int32  `json:"id"`
	Epoch     int64  `json:"epoch"`     // of the newest registration; requests with another are refused
	Previous  int64  `json:"previous"`  // epoch of the registration before; 0: there was none
	Advertise string `json:"advertise"` // host:port that clients are told
	WALOpened int64  `json:"walOpened"` // newest epoch whose WAL was opened; 0: never
	WALClosed int64  `json:"walClosed"` // newest epoch whose WAL was closed clean and empty; 0: never
}

// Topic is immutable once handed out, its map and slice included.
type Topic struct {
	Name        string            `json:"name"`
	ID          TopicID           `json:"id"`
	Internal    bool              `json:"internal,omitempty"`
	Replication int16             `json:"replication"` // what the client asked for; durability is the store's
	Configs     map[string]string `json:"configs,omitempty"`
	Partitions  []Partition       `json:"partitions"` // by index, from 0 without gaps
}

// Partition of a topic. Its data is one stream.
type Partition struct {
	Index       int32 `json:"index"`
	StreamID    int64 `json:"streamId"`
	Leader      int32 `json:"leader"` // node id; NoNode: none assigned
	LeaderEpoch int32 `json:"leaderEpoch"`
}

// NoNode stands where a node id would, when there is none.
const NoNode int32 = -1

// Stream is immutable once handed out, its slices included.
type Stream struct {
	ID        int64   `json:"id"`
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Epoch     int64   `json:"epoch"`           // of the newest opening; 0: never opened
	Node      int32   `json:"node"`            // owner, or the last one when not Open; NoNode before the first
	NodeEpoch int64   `json:"nodeEpoch"`       // registration under which it was opened: the one in that WAL's header
	Open      bool    `json:"open,omitempty"`  // its owner may hold records that are not committed
	Start     int64   `json:"start"`           // first offset that may be read
	End       int64   `json:"end"`             // committed end, exclusive: below it every offset lies in an object
	Ranges    []Range `json:"ranges"`          // ascending, contiguous, from ≤ Start to End; empty when Start == End
	State     []byte  `json:"state,omitempty"` // partition-state record for exactly End
}

// Range says which object holds the offsets [Start, End) of a stream.
type Range struct {
	ObjectID     int64 `json:"objectId"`
	Start        int64 `json:"start"`
	End          int64 `json:"end"`
	MaxTimestamp int64 `json:"maxTimestamp"`    // ms since 1970; -1: not known
	Bytes        int64 `json:"bytes,omitempty"` // of record batches; 0: not known
}

// ObjectState is where an object is in its life. It only moves forward.
type ObjectState uint8

// The states of an object.
const (
	Prepared  ObjectState = iota + 1 // the id is given out; bytes may or may not be in the store
	Committed                        // readable: some range refers to it
	Destroyed                        // nothing refers to it; its bytes may be deleted, then it is forgotten
)

var objectStates = enum[ObjectState]{"ObjectState", []string{"", "prepared", "committed", "destroyed"}}

// String is the state's name.
func (s ObjectState) String() string { return objectStates.name(s) }

// MarshalText makes JSON carry the name.
func (s ObjectState) MarshalText() ([]byte, error) { return objectStates.marshal(s) }

// UnmarshalText reads what MarshalText wrote.
func (s *ObjectState) UnmarshalText(src []byte) error { return objectStates.unmarshal(s, src) }

// ObjectKind says how many streams an object holds.
type ObjectKind uint8

// The kinds of object.
const (
	KindStreamSet ObjectKind = iota + 1 // one upload's share of many streams
	KindStream                          // one stream
)

var objectKinds = enum[ObjectKind]{"ObjectKind", []string{"", "streamSet", "stream"}}

// String is the kind's name.
func (k ObjectKind) String() string { return objectKinds.name(k) }

// MarshalText makes JSON carry the name.
func (k ObjectKind) MarshalText() ([]byte, error) { return objectKinds.marshal(k) }

// UnmarshalText reads what MarshalText wrote.
func (k *ObjectKind) UnmarshalText(src []byte) error { return objectKinds.unmarshal(k, src) }

// Object in the store. Kind, Key, Size and the index are known from its commit
// on: an object that expired without one has Size 0.
type Object struct {
	ID            int64       `json:"id"`
	State         ObjectState `json:"state"`
	Kind          ObjectKind  `json:"kind,omitzero"`
	Key           string      `json:"key,omitempty"`
	Size          int64       `json:"size,omitempty"` // bytes
	IndexPosition int64       `json:"indexPosition,omitempty"`
	IndexLength   int32       `json:"indexLength,omitempty"`
	Node          int32       `json:"node"`          // that prepared it
	PreparedUntil int64       `json:"preparedUntil"` // ms since 1970; ExpireObjects after it destroys an uncommitted one
	LiveRanges    int         `json:"liveRanges,omitempty"`
	Bytes         int64       `json:"bytes,omitempty"` // of record batches at its commit; ranges that go do not change it
}

// Resource is what a configuration belongs to.
type Resource uint8

// The resources that have configurations.
const (
	ResourceTopic  Resource = iota + 1
	ResourceBroker          // by node id in decimal; "" is the default of all brokers
)

var resources = enum[Resource]{"Resource", []string{"", "topic", "broker"}}

// String is the resource's name.
func (r Resource) String() string { return resources.name(r) }

// MarshalText makes JSON carry the name.
func (r Resource) MarshalText() ([]byte, error) { return resources.marshal(r) }

// UnmarshalText reads what MarshalText wrote.
func (r *Resource) UnmarshalText(src []byte) error { return resources.unmarshal(r, src) }

// enum maps small constants to names, so that a stored value does not change
// its meaning when a constant is added in the middle.
type enum[T ~uint8] struct {
	of    string
	names []string // by value; "" is not a value
}

func (e enum[T]) name(v T) string {
	if int(v) >= len(e.names) || v == 0 {
		return fmt.Sprintf("%s(%d)", e.of, v)
	}
	return e.names[v]
}

func (e enum[T]) marshal(v T) ([]byte, error) {
	if int(v) >= len(e.names) || v == 0 {
		return nil, fmt.Errorf("meta: no %s has the value %d", e.of, v)
	}
	return []byte(e.names[v]), nil
}

func (e enum[T]) unmarshal(dst *T, src []byte) error {
	for v, name := range e.names {
		if name != "" && name == string(src) {
			*dst = T(v)
			return nil
		}
	}
	return fmt.Errorf("meta: %s %.40q is not one of %q", e.of, src, e.names[1:])
}
