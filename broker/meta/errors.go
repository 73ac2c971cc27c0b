package meta

import (
	"errors"
	"fmt"
)

// Error is a refusal with a code that stays the same on the wire and over
// versions. Compare with errors.Is and one of the sentinels.
type Error struct {
	Code string
	text string
}

// Error is what went wrong, without the facts of the case: those are in the
// error that wraps it.
func (e *Error) Error() string { return "meta: " + e.text }

// The refusals of the state machine.
var (
	ErrInvalid           = newError("INVALID", "invalid command")
	ErrTooLarge          = newError("TOO_LARGE", "command is too large")
	ErrUnknownNode       = newError("UNKNOWN_NODE", "node never registered")
	ErrFencedEpoch       = newError("FENCED_EPOCH", "node epoch is not the newest")
	ErrWALNotOpen        = newError("WAL_NOT_OPEN", "no WAL was opened under this node epoch")
	ErrTopicExists       = newError("TOPIC_EXISTS", "topic exists")
	ErrTopicIDUsed       = newError("TOPIC_ID_USED", "topic id was used before")
	ErrInvalidTopic      = newError("INVALID_TOPIC", "invalid topic name")
	ErrInvalidPartitions = newError("INVALID_PARTITIONS", "invalid number of partitions")
	ErrUnknownTopic      = newError("UNKNOWN_TOPIC", "unknown topic")
	ErrUnknownStream     = newError("UNKNOWN_STREAM", "unknown stream")
	ErrStreamOpen        = newError("STREAM_OPEN", "stream is open for another node")
	ErrStreamNotOpen     = newError("STREAM_NOT_OPEN", "stream is not open for this node")
	ErrStreamEpoch       = newError("STREAM_EPOCH", "stream epoch is stale")
	ErrNotContiguous     = newError("NOT_CONTIGUOUS", "range does not start at the committed end")
	ErrObjectNotPrepared = newError("OBJECT_NOT_PREPARED", "object is not prepared")
	ErrObjectLive        = newError("OBJECT_LIVE", "object is not destroyed")
	ErrPartOfRange       = newError("PART_OF_RANGE", "compaction does not cover whole ranges")
	ErrSourceGone        = newError("SOURCE_GONE", "source of the compaction is not live")
	ErrOffsetOutOfRange  = newError("OFFSET_OUT_OF_RANGE", "offset is beyond the committed end")
)

// The refusals of a controller.
var (
	ErrNotLeader = newError("NOT_LEADER", "this controller is not the leader")
	ErrClosed    = newError("CLOSED", "controller is closed")
)

// NotLeaderError is ErrNotLeader with the way to the leader.
type NotLeaderError struct {
	Leader string // host:port of the leader's raft; "" when there is none now
}

// Error names the leader.
func (e *NotLeaderError) Error() string {
	if e.Leader == "" {
		return ErrNotLeader.Error() + ": no leader is known"
	}
	return ErrNotLeader.Error() + ": it is " + e.Leader
}

// Unwrap makes errors.Is find ErrNotLeader.
func (e *NotLeaderError) Unwrap() error { return ErrNotLeader }

// ErrDecode: bytes that no version of this package known to it has written.
var ErrDecode = newError("DECODE", "cannot decode")

var errorsByCode = map[string]*Error{}

func newError(code, text string) *Error {
	e := &Error{Code: code, text: text}
	errorsByCode[code] = e
	return e
}

// refuse wraps a sentinel with the facts of the case.
func refuse(sentinel *Error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
}

// remoteError is an error that crossed the wire: the text it had there, and the
// sentinel it wraps.
type remoteError struct {
	text     string
	sentinel *Error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.sentinel }

// encodeError gives the code ("" for a foreign error) and text of err.
func encodeError(err error) (code, text string) {
	if e, ok := errors.AsType[*Error](err); ok {
		code = e.Code
	}
	return code, err.Error()
}

// decodeError is the reverse. A code of a newer version becomes a plain error:
// its text is still true.
func decodeError(code, text string) error {
	if e, ok := errorsByCode[code]; ok {
		return &remoteError{text: text, sentinel: e}
	}
	return errors.New(text)
}
