package wire

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
)

// CreateTopics, v2–7
//
//	v4  −1 partitions and replicas mean the broker's defaults (KIP-464); kafkajs
//	    sends that in v3 too, and like Kafka we look at no version here
//	v5  flexible; partitions, replicas and configs in the answer (KIP-525)
//	v6  THROTTLING_QUOTA_EXCEEDED (KIP-599)
//	v7  topic id in the answer (KIP-516)
//
// One request creates at most meta.MaxPartitions partitions, Kafka's number
// too: POLICY_VIOLATION. The replication factor is any from 1 to the number of brokers; it is kept
// and shown, but there is one leader and no follower. An assignment names the
// leader by the first replica of each partition.

func init() {
	register(&api{
		name: "CreateTopics", key: 19, min: 2, max: 7, flexible: 5,
		body: []field{
			array(
				text(),                          // name
				fixed(4),                        // partitions
				fixed(2),                        // replicas
				array(fixed(4), list(fixed(4))), // assignment: partition, replicas
				array(text(), text()),           // configs
			),
			fixed(4), // timeout
			fixed(1), // only validate
		},
		serve: serveKmsg(createTopics),
	})
}

func createTopics(c *conn, _ *request, req *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	resp := kmsg.NewPtrCreateTopicsResponse()
	resp.Topics = make([]kmsg.CreateTopicsResponseTopic, 0, len(req.Topics))
	ctx, cancel := c.within(req.TimeoutMillis)
	defer cancel()
	times := make(map[string]int)
	partitions := int64(0)
	for i := range req.Topics {
		times[req.Topics[i].Topic]++
		partitions += int64(max(req.Topics[i].NumPartitions, 1))
	}
	for i := range req.Topics {
		t := &req.Topics[i]
		if times[t.Topic] == 0 {
			continue // answered already
		}
		var cmd meta.CreateTopic
		err := fmt.Errorf("topic %q is in the request more than once: %w", t.Topic, kerr.InvalidRequest)
		switch {
		case partitions > meta.MaxPartitions:
			err = fmt.Errorf("%d partitions in one request, at most %d: %w", partitions, meta.MaxPartitions, kerr.PolicyViolation)
		case times[t.Topic] == 1:
			cmd, err = c.createTopic(ctx, t, req.ValidateOnly)
		}
		times[t.Topic] = 0
		resp.Topics = append(resp.Topics, c.createdTopic(t.Topic, cmd, req.ValidateOnly, err))
	}
	return resp
}

// createTopic checks one topic, and creates it unless validateOnly.
func (c *conn) createTopic(ctx context.Context, t *kmsg.CreateTopicsRequestTopic, validateOnly bool) (meta.CreateTopic, error) {
	cmd := c.newTopic(t.Topic)
	if err := checkTopicName(t.Topic); err != nil {
		return cmd, err
	}
	if _, exists := c.srv.cfg.Metadata.Topic(t.Topic); exists {
		return cmd, fmt.Errorf("topic %q exists: %w", t.Topic, kerr.TopicAlreadyExists)
	}
	var err error
	if cmd.Configs, err = topicConfigs(t.Configs); err != nil {
		return cmd, err
	}
	if err = c.layout(&cmd, t); err != nil {
		return cmd, err
	}
	if validateOnly {
		return cmd, c.checkCollision(t.Topic)
	}
	return cmd, c.create(ctx, cmd)
}

// layout settles partitions, replicas and leaders.
func (c *conn) layout(cmd *meta.CreateTopic, t *kmsg.CreateTopicsRequestTopic) error {
	if len(t.ReplicaAssignment) > 0 {
		return c.assigned(cmd, t)
	}
	if t.NumPartitions != -1 {
		cmd.Partitions = t.NumPartitions
	}
	if t.ReplicationFactor != -1 {
		cmd.Replication = t.ReplicationFactor
	}
	if cmd.Partitions < 1 || cmd.Partitions > meta.MaxPartitions {
		return fmt.Errorf("%d partitions, allowed are 1 to %d: %w", cmd.Partitions, meta.MaxPartitions, kerr.InvalidPartitions)
	}
	if brokers := len(c.srv.cfg.Cluster.Brokers()); cmd.Replication < 1 || int(cmd.Replication) > brokers {
		return fmt.Errorf("replication factor %d, allowed are 1 to %d, the number of brokers: %w", cmd.Replication, brokers, kerr.InvalidReplicationFactor)
	}
	return nil
}

// assigned takes an assignment over.
func (c *conn) assigned(cmd *meta.CreateTopic, t *kmsg.CreateTopicsRequestTopic) error {
	n := len(t.ReplicaAssignment)
	switch {
	case t.NumPartitions != -1 && int(t.NumPartitions) != n, t.ReplicationFactor != -1:
		return fmt.Errorf("an assignment and numbers beside it: %w", kerr.InvalidRequest)
	case n > meta.MaxPartitions:
		return fmt.Errorf("%d partitions, at most %d: %w", n, meta.MaxPartitions, kerr.InvalidPartitions)
	}
	cmd.Partitions, cmd.Replication = int32(n), int16(len(t.ReplicaAssignment[0].Replicas))
	cmd.Leaders = make([]int32, n)
	seen := make([]bool, n)
	for _, a := range t.ReplicaAssignment {
		if a.Partition < 0 || int(a.Partition) >= n || seen[a.Partition] {
			return fmt.Errorf("partition %d in an assignment of %d: %w", a.Partition, n, kerr.InvalidReplicaAssignment)
		}
		if err := c.checkReplicas(a.Replicas, int(cmd.Replication)); err != nil {
			return fmt.Errorf("partition %d: %w", a.Partition, err)
		}
		seen[a.Partition] = true
		cmd.Leaders[a.Partition] = a.Replicas[0]
	}
	return nil
}

func (c *conn) checkReplicas(replicas []int32, want int) error {
	if len(replicas) == 0 || len(replicas) != want {
		return fmt.Errorf("%d replicas: %w", len(replicas), kerr.InvalidReplicaAssignment)
	}
	brokers := c.srv.cfg.Cluster.Brokers()
	for i, id := range replicas {
		known := slices.ContainsFunc(brokers, func(b Broker) bool { return b.ID == id })
		if !known || slices.Contains(replicas[:i], id) {
			return fmt.Errorf("broker %d is unknown or occurs twice: %w", id, kerr.InvalidReplicaAssignment)
		}
	}
	return nil
}

// createdTopic is the answer for one topic.
func (c *conn) createdTopic(name string, cmd meta.CreateTopic, validateOnly bool, err error) kmsg.CreateTopicsResponseTopic {
	out := kmsg.NewCreateTopicsResponseTopic()
	out.Topic = name
	out.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	out.NumPartitions, out.ReplicationFactor = -1, -1
	if out.ErrorCode, out.ErrorMessage = c.explained(err); err != nil {
		return out
	}
	out.NumPartitions, out.ReplicationFactor = cmd.Partitions, cmd.Replication
	if !validateOnly {
		out.TopicID = cmd.ID
	}
	for _, e := range describeTopic(cmd.Configs) {
		o := kmsg.NewCreateTopicsResponseTopicConfig()
		o.Name, o.Value, o.Source = e.name, &e.value, int8(e.source)
		out.Configs = append(out.Configs, o)
	}
	return out
}

// topicConfigs checks the configs of a request against the table.
func topicConfigs(configs []kmsg.CreateTopicsRequestTopicConfig) (map[string]string, error) {
	set := make(map[string]string, len(configs))
	for _, e := range configs {
		if e.Value == nil {
			return nil, fmt.Errorf("topic config %s is null: %w", strconv.Quote(e.Name), kerr.InvalidConfig)
		}
		if err := checkTopicConfig(e.Name, *e.Value); err != nil {
			return nil, err
		}
		// Which of two values was meant, nobody can tell.
		if _, twice := set[e.Name]; twice {
			return nil, fmt.Errorf("topic config %s is in the request more than once: %w", e.Name, kerr.InvalidConfig)
		}
		set[e.Name] = *e.Value
	}
	return set, nil
}
