package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/stream"
)

// known maps errors of the layers below to Kafka's, for those that do not come
// as kerr errors already.
var known = []struct {
	is  error
	err *kerr.Error
}{
	{context.DeadlineExceeded, kerr.RequestTimedOut},
	{context.Canceled, kerr.RequestTimedOut}, // the server closes: never appended, may be sent again
	{stream.ErrOffsetOutOfRange, kerr.OffsetOutOfRange},
	{stream.ErrTooLarge, kerr.MessageTooLarge},
	{stream.ErrClosed, kerr.NotLeaderForPartition},
	{stream.ErrFailed, kerr.KafkaStorageError},
	{meta.ErrTopicExists, kerr.TopicAlreadyExists},
	{meta.ErrInvalidTopic, kerr.InvalidTopicException},
	{meta.ErrInvalidPartitions, kerr.InvalidPartitions},
	{meta.ErrUnknownTopic, kerr.UnknownTopicOrPartition},
	{meta.ErrUnknownNode, kerr.InvalidReplicaAssignment},
	{meta.ErrInvalid, kerr.InvalidRequest},
	{meta.ErrTooLarge, kerr.InvalidRequest},
	{meta.ErrFencedEpoch, kerr.StaleBrokerEpoch},
	{meta.ErrNotLeader, kerr.NotController},
}

// kafkaError finds the error that Kafka has for err; nil for nil.
func kafkaError(err error) *kerr.Error {
	if err == nil {
		return nil
	}
	var ke *kerr.Error
	if errors.As(err, &ke) {
		return ke
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return k.err
		}
	}
	return kerr.UnknownServerError
}

// code is the error code of err; 0 for nil. Errors that tell the client
// nothing are logged.
func (c *conn) code(err error) int16 {
	if err == nil {
		return 0
	}
	return c.codeAt(err, place{partition: -1, offset: -1})
}

// codeAt is code for an error of one partition.
func (c *conn) codeAt(err error, at place) int16 {
	if err == nil {
		return 0
	}
	ke := kafkaError(err)
	if ke == kerr.UnknownServerError || ke == kerr.KafkaStorageError {
		c.srv.trouble.log(c, ke, err, at)
	}
	return ke.Code
}

// longestText bounds error messages on their way to clients; some contain what
// the client sent.
const longestText = 1 << 10

func clip(text string) []byte { return []byte(text[:min(len(text), longestText)]) }

// sentence is what a client is told beside the code. Clients show the code's
// own name and text already, so what we say of the case at hand goes alone;
// the code's text goes when there is nothing to say.
func sentence(err error) string {
	text := err.Error()
	ke, ok := errors.AsType[*kerr.Error](err)
	if !ok {
		return text
	}
	stock := ke.Error()
	text = strings.ReplaceAll(text, ": "+stock, "")
	text = strings.TrimPrefix(strings.TrimPrefix(text, stock), ": ")
	if text == "" {
		return ke.Description
	}
	return text
}

// explained is code with a text for the client.
func (c *conn) explained(err error) (int16, *string) {
	if err == nil {
		return 0, nil
	}
	text := string(clip(sentence(err)))
	return c.code(err), &text
}

// hungUp tells that the client went away: its own affair, in whatever moment
// of a frame or an answer it did so.
func hungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNABORTED} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
