package meta

// Command is a request to change the cluster's state. The types of this file
// are all there are. NodeID and NodeEpoch name the registration that sends it:
// an epoch that is not the node's newest gets ErrFencedEpoch. Commands that an
// operator or the controller itself may send take NodeEpoch 0 for "no node".
// A command is not changed after it was proposed, nor are its slices and maps.
type Command interface {
	// caller is who sends the command; mandatory: epoch 0 is refused.
	caller() (node int32, epoch int64, mandatory bool)
	// execute checks the command against im and says what follows. It changes
	// nothing: either all of its changes are applied afterwards or none.
	execute(im *Image) (Result, []Change, error)
}

// RegisterNode gives a starting process a node epoch larger than any before.
// Its streams stay open; the answer lists them with their committed ends.
// Result: NodeEpoch, PreviousNodeEpoch, OpenStreams, LastOpenedEpoch, LastClosedEpoch.
type RegisterNode struct {
	NodeID    int32  `json:"nodeId"`
	Advertise string `json:"advertise"` // host:port
}

// WALOpened says that the node's WAL was reset under Epoch, which must be its
// newest: whatever an older WAL still holds has been committed.
type WALOpened struct {
	NodeID int32 `json:"nodeId"`
	Epoch  int64 `json:"epoch"`
}

// WALClosed says that the WAL opened under Epoch was closed clean and empty, so
// that the node may come back with another one.
type WALClosed struct {
	NodeID int32 `json:"nodeId"`
	Epoch  int64 `json:"epoch"`
}

// CreateTopic makes a topic and a stream for each partition. Repeated with the
// same ID it succeeds without a change. Result: Topic.
type CreateTopic struct {
	NodeID      int32             `json:"nodeId,omitempty"`
	NodeEpoch   int64             `json:"nodeEpoch,omitempty"`
	Name        string            `json:"name"`
	ID          TopicID           `json:"id"`
	Partitions  int32             `json:"partitions"`
	Replication int16             `json:"replication"` // ≥ 1, or -1 for the default
	Configs     map[string]string `json:"configs,omitempty"`
	Internal    bool              `json:"internal,omitempty"`
	Leaders     []int32           `json:"leaders,omitempty"` // by partition; empty: dealt round the registered nodes
}

// DeleteTopic removes a topic with its streams, by Name, by ID, or by both, which
// must then be those of one topic. Objects that nothing refers to any more are
// destroyed. Send the ID where it is known: it makes the command safe to repeat.
// Result: Topic as it was, DestroyedObjects.
type DeleteTopic struct {
	NodeID    int32   `json:"nodeId,omitempty"`
	NodeEpoch int64   `json:"nodeEpoch,omitempty"`
	Name      string  `json:"name,omitempty"`
	ID        TopicID `json:"id"`
}

// OpenStream makes the node the stream's owner under StreamEpoch, which must be
// larger than the stream's: replica.Stream(id).Epoch + 1. The equal epoch again
// from the same registration is a retry and succeeds. Refused while open for
// another node, and before this registration's WALOpened. Result: Stream.
type OpenStream struct {
	StreamID    int64 `json:"streamId"`
	NodeID      int32 `json:"nodeId"`
	NodeEpoch   int64 `json:"nodeEpoch"`
	StreamEpoch int64 `json:"streamEpoch"`
}

// CloseStream gives the stream up; its owner has committed everything it holds.
// Repeated it succeeds. Result: Stream.
type CloseStream struct {
	StreamID    int64 `json:"streamId"`
	NodeID      int32 `json:"nodeId"`
	NodeEpoch   int64 `json:"nodeEpoch"`
	StreamEpoch int64 `json:"streamEpoch"`
}

// PrepareObjects gives out Count (1 … MaxPrepare) object ids in a row, never
// used before. Result: FirstObjectID.
type PrepareObjects struct {
	NodeID    int32 `json:"nodeId"`
	NodeEpoch int64 `json:"nodeEpoch"`
	Count     int32 `json:"count"`
	Until     int64 `json:"until"` // ms since 1970; from then on ExpireObjects may destroy them
}

// CommitObject makes uploaded objects readable: the one named here and those in
// StreamObjects, all or none. Each range starts at its stream's committed end,
// and a stream occurs once. Repeated it succeeds. Result: DroppedStreams.
type CommitObject struct {
	NodeID        int32          `json:"nodeId"`
	NodeEpoch     int64          `json:"nodeEpoch"`
	ObjectID      int64          `json:"objectId"`
	Kind          ObjectKind     `json:"kind"`
	Key           string         `json:"key"`
	Size          int64          `json:"size"` // bytes
	IndexPosition int64          `json:"indexPosition"`
	IndexLength   int32          `json:"indexLength"`
	Streams       []StreamCommit `json:"streams"`
	StreamObjects []StreamObject `json:"streamObjects,omitempty"`
}

// StreamObject is an object of one stream that belongs to the same upload.
type StreamObject struct {
	ObjectID      int64        `json:"objectId"`
	Key           string       `json:"key"`
	Size          int64        `json:"size"` // bytes
	IndexPosition int64        `json:"indexPosition"`
	IndexLength   int32        `json:"indexLength"`
	Stream        StreamCommit `json:"stream"`
}

// StreamCommit is one stream's share of an object.
type StreamCommit struct {
	StreamID     int64  `json:"streamId"`
	Epoch        int64  `json:"epoch"` // under which the node holds the stream open now, not that of the batches
	Start        int64  `json:"start"`
	End          int64  `json:"end"`
	MaxTimestamp int64  `json:"maxTimestamp"`    // ms since 1970; -1: not known
	Bytes        int64  `json:"bytes,omitempty"` // of record batches; 0: not known
	State        []byte `json:"state,omitempty"` // partition-state record for exactly End
}

// CompactObjects puts Objects, which were prepared and written from Sources, in
// the place of ranges of Sources: all or none. It is refused unless every
// source is committed and every range that a share covers is one of a source
// (rule 8), so that bytes which are being deleted are never referred to again.
// Sources that nothing refers to afterwards are destroyed; others stay with
// what is left of them. Repeated it succeeds. Result: DroppedStreams,
// DestroyedObjects.
type CompactObjects struct {
	NodeID    int32             `json:"nodeId"`
	NodeEpoch int64             `json:"nodeEpoch"`
	Sources   []int64           `json:"sources"`
	Objects   []CompactedObject `json:"objects"`
}

// CompactedObject is one object that a compaction has written.
type CompactedObject struct {
	ObjectID      int64            `json:"objectId"`
	Kind          ObjectKind       `json:"kind"`
	Key           string           `json:"key"`
	Size          int64            `json:"size"` // bytes
	IndexPosition int64            `json:"indexPosition"`
	IndexLength   int32            `json:"indexLength"`
	Shares        []CompactedShare `json:"shares"`
}

// CompactedShare becomes one range of the stream. It begins where a range of a
// source begins (or, when that is the stream's first, up to the stream's start)
// and ends where one ends. A stream may have several shares, without overlap: the
// more there are, the finer its index by time stays.
type CompactedShare struct {
	StreamID int64 `json:"streamId"`
	Epoch    int64 `json:"epoch"` // under which the node holds the stream open
	Start    int64 `json:"start"`
	End      int64 `json:"end"`
}

// TrimStream moves the stream's start up to Start (at most the committed end;
// a smaller one than now changes nothing). Ranges wholly below go.
// Result: Stream, DestroyedObjects.
type TrimStream struct {
	StreamID  int64 `json:"streamId"`
	NodeID    int32 `json:"nodeId"`
	NodeEpoch int64 `json:"nodeEpoch"`
	Start     int64 `json:"start"`
}

// ExpireObjects destroys objects that were prepared until before Before and
// never committed. From then on their commit is refused. Result: DestroyedObjects.
type ExpireObjects struct {
	NodeID    int32 `json:"nodeId,omitempty"`
	NodeEpoch int64 `json:"nodeEpoch,omitempty"`
	Before    int64 `json:"before"` // ms since 1970
}

// ForgetObjects drops destroyed objects whose bytes are gone from the store.
// Ids that are unknown already are passed over.
type ForgetObjects struct {
	NodeID    int32   `json:"nodeId,omitempty"`
	NodeEpoch int64   `json:"nodeEpoch,omitempty"`
	IDs       []int64 `json:"ids"`
}

// AllocateProducerIDs gives out Count (1 … MaxProducerIDs) producer ids in a
// row, never used before. Result: FirstProducerID.
type AllocateProducerIDs struct {
	NodeID    int32 `json:"nodeId"`
	NodeEpoch int64 `json:"nodeEpoch"`
	Count     int32 `json:"count"`
}

// AlterConfigs sets and deletes configuration entries of a topic or broker. The
// broker that sends it has validated names and values. Result: Configs.
type AlterConfigs struct {
	NodeID    int32             `json:"nodeId,omitempty"`
	NodeEpoch int64             `json:"nodeEpoch,omitempty"`
	Resource  Resource          `json:"resource"`
	Name      string            `json:"name"`
	Replace   bool              `json:"replace,omitempty"` // Set is everything there is afterwards (Kafka's old AlterConfigs)
	Set       map[string]string `json:"set,omitempty"`
	Delete    []string          `json:"delete,omitempty"`
}

// Bounds on what one command may ask for.
const (
	MaxPartitions  = 10_000    // of one topic
	MaxPrepare     = 10_000    // objects
	MaxProducerIDs = 1_000_000 // ids
	MaxTopicName   = 249       // bytes
	MaxConfigs     = 1_000     // entries of one resource
)
