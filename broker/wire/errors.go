package wire

import (
	"context"
	"errors"

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

// code is the error code of err; 0 for nil. An error that nobody foresaw is
// logged, since the client learns nothing from UNKNOWN_SERVER_ERROR.
func (c *conn) code(err error) int16 {
	if err == nil {
		return 0
	}
	ke := kafkaError(err)
	if ke == kerr.UnknownServerError {
		c.srv.log.Error("unexpected error", "remote", c.remote, "err", err)
	}
	return ke.Code
}

// longestText bounds error messages on their way to clients; some contain what
// the client sent.
const longestText = 1 << 10

func clip(text string) []byte { return []byte(text[:min(len(text), longestText)]) }

// explained is code with a text for the client.
func (c *conn) explained(err error) (int16, *string) {
	if err == nil {
		return 0, nil
	}
	text := string(clip(err.Error()))
	return c.code(err), &text
}
