package meta

// Result is the answer to a command. Which fields are set, the command's
// comment says. Results are immutable.
type Result struct {
	Index uint64 `json:"index"` // of the command in the log; a replica that has applied it shows the outcome

	NodeEpoch         int64       `json:"nodeEpoch,omitempty"`
	PreviousNodeEpoch int64       `json:"previousNodeEpoch,omitempty"` // 0: first registration
	OpenStreams       []StreamEnd `json:"openStreams,omitempty"`       // by id
	LastOpenedEpoch   int64       `json:"lastOpenedEpoch,omitempty"`   // newest WALOpened of the node; 0: none
	LastClosedEpoch   int64       `json:"lastClosedEpoch,omitempty"`   // newest WALClosed of the node; 0: none

	Topic  *Topic  `json:"topic,omitempty"`
	Stream *Stream `json:"stream,omitempty"` // without Ranges: those are the replica's

	FirstObjectID    int64             `json:"firstObjectId,omitempty"`
	FirstProducerID  int64             `json:"firstProducerId,omitempty"`
	DroppedStreams   []int64           `json:"droppedStreams,omitempty"`   // committed to, but deleted meanwhile
	DestroyedObjects []int64           `json:"destroyedObjects,omitempty"` // by this command
	Configs          map[string]string `json:"configs,omitempty"`          // all of the resource's, afterwards
}

// StreamEnd is an open stream as recovery needs it.
type StreamEnd struct {
	StreamID  int64  `json:"streamId"`
	Epoch     int64  `json:"epoch"`     // stream epoch; recovery commits under it
	NodeEpoch int64  `json:"nodeEpoch"` // registration that opened it: records of it lie in that one's WAL
	Start     int64  `json:"start"`
	End       int64  `json:"end"`             // committed end: the WAL's records below it are in objects
	State     []byte `json:"state,omitempty"` // partition-state record for exactly End
}
