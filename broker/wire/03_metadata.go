package wire

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
)

// Metadata, v0–13
//
//	v0   an empty list of topics means all
//	v1   null means all, empty none; controller id, racks, internal topics
//	v2   cluster id
//	v3   throttle time
//	v4   whether unknown topics may be created
//	v5   offline replicas (KIP-112)
//	v7   leader epochs (KIP-320)
//	v8   authorized operations (KIP-430); those of the cluster until v10 (KIP-700)
//	v9   flexible
//	v10  topic ids in the answer (KIP-516)
//	v12  topics asked for by id
//	v13  error code of the whole answer: bootstrap again (KIP-1102)
//
// An unknown topic is created when both the broker's setting and the request
// allow it; before v4 there was no such field and it always may. The answer
// then already has the new topic: Propose returns when the replica knows it.

// autoCreateTime bounds the wait for topics that a Metadata request creates.
const autoCreateTime = 10 * time.Second

// Sets of operations, as bits by Kafka's numbers, for a broker without access
// control: everything that such a resource knows.
const (
	topicOperations   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11 // read write create delete alter describe describe-configs alter-configs
	clusterOperations = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12       // create alter describe cluster-action describe-configs alter-configs idempotent-write
	notAsked          = math.MinInt32
)

func init() {
	register(&api{
		name: "Metadata", key: 3, min: 0, max: 13, flexible: 9,
		body: []field{
			array(fixed(16).since(10), text()),
			fixed(1).since(4),           // may create topics
			fixed(1).since(8).until(10), // operations of the cluster
			fixed(1).since(8),           // operations of the topics
		},
		serve: serveKmsg(metadata),
	})
}

func metadata(c *conn, r *request, req *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	clusterID := c.srv.cfg.Cluster.ClusterID()
	resp.ClusterID = &clusterID
	resp.ControllerID = c.srv.cfg.Cluster.ControllerID()
	resp.Brokers = metadataBrokers(c.srv.cfg.Cluster.Brokers())
	if req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = clusterOperations
	}
	operations := int32(notAsked)
	if req.IncludeTopicAuthorizedOperations {
		operations = topicOperations
	}
	resp.Topics = []kmsg.MetadataResponseTopic{}
	if req.Topics == nil || r.version == 0 && len(req.Topics) == 0 {
		for _, t := range c.srv.cfg.Metadata.Topics() {
			resp.Topics = append(resp.Topics, metadataTopic(t, operations))
		}
		return resp
	}
	ctx, cancel := context.WithTimeout(c.ctx, autoCreateTime)
	defer cancel()
	create := !c.srv.cfg.DisableAutoCreate && (r.version < 4 || req.AllowAutoTopicCreation)
	// Answered once each, as by Kafka: a few bytes of request are many of answer.
	seen := make(map[asked]bool, len(req.Topics))
	for i := range req.Topics {
		t := &req.Topics[i]
		one := asked{id: t.TopicID}
		if t.Topic != nil {
			one = asked{name: *t.Topic}
		}
		if !seen[one] {
			seen[one] = true
			resp.Topics = append(resp.Topics, c.askedTopic(ctx, t, create, operations))
		}
	}
	return resp
}

// asked is what a topic was asked for by.
type asked struct {
	name string
	id   [16]byte
}

func metadataBrokers(brokers []Broker) []kmsg.MetadataResponseBroker {
	out := make([]kmsg.MetadataResponseBroker, 0, len(brokers))
	for _, b := range brokers {
		o := kmsg.NewMetadataResponseBroker()
		o.NodeID, o.Host, o.Port = b.ID, b.Host, b.Port
		if b.Rack != "" {
			o.Rack = &b.Rack
		}
		out = append(out, o)
	}
	return out
}

// askedTopic finds one topic by name or id, or creates it, or says what is
// wrong with it.
func (c *conn) askedTopic(ctx context.Context, asked *kmsg.MetadataRequestTopic, create bool, operations int32) kmsg.MetadataResponseTopic {
	var t meta.Topic
	var err error
	if asked.Topic == nil {
		var ok bool
		if t, ok = c.srv.cfg.Metadata.TopicByID(asked.TopicID); !ok {
			err = kerr.UnknownTopicID
		}
	} else {
		t, err = c.topic(ctx, *asked.Topic, create)
	}
	if err != nil {
		out := kmsg.NewMetadataResponseTopic()
		out.ErrorCode, out.Topic, out.TopicID = c.code(err), asked.Topic, asked.TopicID
		out.Partitions = []kmsg.MetadataResponseTopicPartition{}
		return out
	}
	return metadataTopic(t, operations)
}

func metadataTopic(t meta.Topic, operations int32) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, t.Internal
	out.AuthorizedOperations = operations
	out.Partitions = make([]kmsg.MetadataResponseTopicPartition, 0, len(t.Partitions))
	for _, p := range t.Partitions {
		out.Partitions = append(out.Partitions, metadataPartition(p))
	}
	return out
}

// metadataPartition shows the leader as the one replica: the others that the
// replication factor promises are the copies that the object store makes.
func metadataPartition(p meta.Partition) kmsg.MetadataResponseTopicPartition {
	out := kmsg.NewMetadataResponseTopicPartition()
	out.Partition, out.Leader, out.LeaderEpoch = p.Index, p.Leader, p.LeaderEpoch
	out.Replicas, out.ISR, out.OfflineReplicas = []int32{p.Leader}, []int32{p.Leader}, []int32{}
	if p.Leader == meta.NoNode {
		out.ErrorCode = kerr.LeaderNotAvailable.Code
		out.Replicas, out.ISR = []int32{}, []int32{}
	}
	return out
}

// hint finds the leader of a partition, by name or id, for a client that came
// to the wrong broker.
func (c *conn) hint(name []byte, id [16]byte, index int32) leaderHint {
	t, ok := c.srv.cfg.Metadata.TopicByID(id)
	if len(name) > 0 {
		t, ok = c.srv.cfg.Metadata.Topic(string(name))
	}
	if !ok || index < 0 || int(index) >= len(t.Partitions) {
		return leaderHint{leader: meta.NoNode}
	}
	p := t.Partitions[index]
	return leaderHint{p.Leader, p.LeaderEpoch}
}
