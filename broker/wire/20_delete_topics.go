package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
)

// DeleteTopics, v1–6
//
//	v1  throttle time
//	v4  flexible
//	v5  error message (KIP-599)
//	v6  topics by name or by id (KIP-516)

func init() {
	register(&api{
		name: "DeleteTopics", key: 20, min: 1, max: 6, flexible: 4,
		body: []field{
			list(text()).until(5),             // names
			array(text(), fixed(16)).since(6), // name or id
			fixed(4),                          // timeout
		},
		serve: serveKmsg(deleteTopics),
	})
}

func deleteTopics(c *conn, r *request, req *kmsg.DeleteTopicsRequest) *kmsg.DeleteTopicsResponse {
	resp := kmsg.NewPtrDeleteTopicsResponse()
	resp.Topics = []kmsg.DeleteTopicsResponseTopic{}
	ctx, cancel := c.within(req.TimeoutMillis)
	defer cancel()
	for i := range req.TopicNames {
		resp.Topics = append(resp.Topics, c.deleteTopic(ctx, &req.TopicNames[i], [16]byte{}))
	}
	for i := range req.Topics {
		resp.Topics = append(resp.Topics, c.deleteTopic(ctx, req.Topics[i].Topic, req.Topics[i].TopicID))
	}
	return resp
}

func (c *conn) deleteTopic(ctx context.Context, name *string, id [16]byte) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic, out.TopicID = name, id
	t, err := c.toDelete(name, id)
	if err == nil && t.Internal {
		err = fmt.Errorf("%s is the broker's own: %w", t.Name, kerr.InvalidRequest)
	}
	if err == nil {
		out.Topic, out.TopicID = &t.Name, t.ID
		// By id: a topic of the same name that was made meanwhile stays.
		_, err = c.srv.cfg.Metadata.Propose(ctx, meta.DeleteTopic{
			NodeID: c.srv.cfg.NodeID, NodeEpoch: c.srv.cfg.NodeEpoch(), ID: t.ID,
		})
	}
	out.ErrorCode, out.ErrorMessage = c.explained(err)
	return out
}

// toDelete finds the topic that is meant.
func (c *conn) toDelete(name *string, id [16]byte) (meta.Topic, error) {
	unset := id == [16]byte{}
	switch {
	case name == nil && unset:
		return meta.Topic{}, fmt.Errorf("neither name nor id: %w", kerr.InvalidRequest)
	case name != nil && !unset:
		return meta.Topic{}, fmt.Errorf("both name and id: %w", kerr.InvalidRequest)
	case name == nil:
		if t, ok := c.srv.cfg.Metadata.TopicByID(id); ok {
			return t, nil
		}
		return meta.Topic{}, kerr.UnknownTopicID
	}
	t, ok := c.srv.cfg.Metadata.Topic(*name)
	if !ok {
		return meta.Topic{}, kerr.UnknownTopicOrPartition
	}
	return t, nil
}

// within is a context for a request that brings its own timeout, which is held
// to at least a second: a client may send 0 and still expect an answer.
func (c *conn) within(millis int32) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.ctx, max(time.Duration(millis)*time.Millisecond, time.Second))
}
