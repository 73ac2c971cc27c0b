package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func topicToCreate(name string, partitions int32, replicas int16, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	return t
}

func create(version int16, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.Topics = version, topics
	return req
}

func TestCreateTopics(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	for version := int16(2); version <= 7; version++ {
		name := "topic-" + string('0'+rune(version))
		resp := c.ask(create(version, topicToCreate(name, 3, 1, "retention.ms", "1000"))).(*kmsg.CreateTopicsResponse)
		require.Zero(t, resp.Topics[0].ErrorCode)
		topic, ok := h.broker.Topic(name)
		require.True(t, ok)
		require.Len(t, topic.Partitions, 3)
		require.Equal(t, map[string]string{"retention.ms": "1000"}, topic.Configs)
		if version >= 5 {
			require.EqualValues(t, 3, resp.Topics[0].NumPartitions)
			require.Len(t, resp.Topics[0].Configs, len(topicConfigTable))
		}
		if version >= 7 {
			require.EqualValues(t, topic.ID, resp.Topics[0].TopicID)
		}
	}
	require.Zero(t, c.ask(create(3, topicToCreate("kafkajs", -1, -1))).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
	defaults := c.ask(create(7, topicToCreate("defaults", -1, -1))).(*kmsg.CreateTopicsResponse)
	require.EqualValues(t, 1, defaults.Topics[0].NumPartitions)

	dry := create(7, topicToCreate("dry", 1, 1))
	dry.ValidateOnly = true
	require.Zero(t, c.ask(dry).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
	_, ok := h.broker.Topic("dry")
	require.False(t, ok)
}

func TestCreateTopicsRefuses(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("a.b", 1, 1)
	assigned := func(partitions int32, replicas ...[]int32) kmsg.CreateTopicsRequestTopic {
		topic := topicToCreate("assigned", partitions, -1)
		for i, r := range replicas {
			topic.ReplicaAssignment = append(topic.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: int32(i), Replicas: r})
		}
		return topic
	}
	gap := assigned(-1, []int32{1}, []int32{1})
	gap.ReplicaAssignment[1].Partition = 2
	cases := []struct {
		topic kmsg.CreateTopicsRequestTopic
		want  *kerr.Error
	}{
		{topicToCreate("a.b", 1, 1), kerr.TopicAlreadyExists},
		{topicToCreate("a_b", 1, 1), kerr.InvalidTopicException},
		{topicToCreate("", 1, 1), kerr.InvalidTopicException},
		{topicToCreate("..", 1, 1), kerr.InvalidTopicException},
		{topicToCreate("sl/ash", 1, 1), kerr.InvalidTopicException},
		{topicToCreate(strings.Repeat("x", 250), 1, 1), kerr.InvalidTopicException},
		{topicToCreate("t", 0, 1), kerr.InvalidPartitions},
		{topicToCreate("t", -2, 1), kerr.InvalidPartitions},
		{topicToCreate("t", 1<<30, 1), kerr.PolicyViolation},
		{topicToCreate("t", 1, 0), kerr.InvalidReplicationFactor},
		{topicToCreate("t", 1, 2), kerr.InvalidReplicationFactor},
		{topicToCreate("t", 1, 1, "no.such", "1"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "retention.ms", "soon"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "retention.ms", "-2"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "cleanup.policy", "delete,shred"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "preallocate", "maybe"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "min.cleanable.dirty.ratio", "NaN"), kerr.InvalidConfig},
		{topicToCreate("t", 1, 1, "retention.ms", "1", "retention.ms", "2"), kerr.InvalidConfig},
		{assigned(5, []int32{1}), kerr.InvalidRequest},
		{assigned(-1, []int32{9}), kerr.InvalidReplicaAssignment},
		{assigned(-1, []int32{1, 1}), kerr.InvalidReplicaAssignment},
		{assigned(-1, []int32{}), kerr.InvalidReplicaAssignment},
		{gap, kerr.InvalidReplicaAssignment},
	}
	c := h.dial()
	for _, tc := range cases {
		resp := c.ask(create(7, tc.topic)).(*kmsg.CreateTopicsResponse)
		require.Equal(t, tc.want.Code, resp.Topics[0].ErrorCode, "%+v", tc.topic)
		require.NotEmpty(t, *resp.Topics[0].ErrorMessage)
		require.NotContains(t, *resp.Topics[0].ErrorMessage, tc.want.Message)
		require.NotContains(t, *resp.Topics[0].ErrorMessage, tc.want.Description)
	}
	good := assigned(-1, []int32{1}, []int32{1})
	require.Zero(t, c.ask(create(7, good)).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
	twice := c.ask(create(7, topicToCreate("x", 1, 1), topicToCreate("x", 1, 1))).(*kmsg.CreateTopicsResponse)
	require.Len(t, twice.Topics, 1)
	require.Equal(t, kerr.InvalidRequest.Code, twice.Topics[0].ErrorCode)
}

func TestDeleteTopics(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	for version := int16(1); version <= 6; version++ {
		h.broker.topic("gone", byte(version), 1)
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.Version = version
		req.TopicNames = []string{"gone", "never"}
		for _, name := range req.TopicNames {
			req.Topics = append(req.Topics, kmsg.DeleteTopicsRequestTopic{Topic: &name})
		}
		resp := c.ask(req).(*kmsg.DeleteTopicsResponse)
		require.Len(t, resp.Topics, 2)
		require.Zero(t, resp.Topics[0].ErrorCode)
		require.Equal(t, kerr.UnknownTopicOrPartition.Code, resp.Topics[1].ErrorCode)
		_, ok := h.broker.Topic("gone")
		require.False(t, ok)
	}
	h.broker.topic("by-id", 9, 1)
	name := "by-id"
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version = 6
	req.Topics = []kmsg.DeleteTopicsRequestTopic{{}, {Topic: &name, TopicID: [16]byte{9}}, {TopicID: [16]byte{8}}, {TopicID: [16]byte{9}}}
	resp := c.ask(req).(*kmsg.DeleteTopicsResponse)
	require.Equal(t, kerr.InvalidRequest.Code, resp.Topics[0].ErrorCode)
	require.Equal(t, kerr.InvalidRequest.Code, resp.Topics[1].ErrorCode)
	require.Equal(t, kerr.UnknownTopicID.Code, resp.Topics[2].ErrorCode)
	require.Zero(t, resp.Topics[3].ErrorCode)
	require.Equal(t, name, *resp.Topics[3].Topic)
}

func TestDeleteRecords(t *testing.T) {
	h := newHarness(t, nil)
	part := h.broker.topic("topic", 7, 1)[0]
	c := h.dial()
	for range 5 {
		require.Zero(t, c.ask(produce(9, -1, "topic", 0, batch(3))).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	ask := func(version int16, partition int32, before int64) (low int64, code int16) {
		req := kmsg.NewPtrDeleteRecordsRequest()
		req.Version = version
		req.Topics = []kmsg.DeleteRecordsRequestTopic{{
			Topic: "topic", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: partition, Offset: before}},
		}}
		p := c.ask(req).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0]
		require.Equal(t, partition, p.Partition)
		return p.LowWatermark, p.ErrorCode
	}
	for version := int16(0); version <= 2; version++ {
		low, code := ask(version, 0, int64(version)+1)
		require.Zero(t, code)
		require.EqualValues(t, version+1, low)
	}
	require.EqualValues(t, 3, part.LogStartOffset())
	low, code := ask(2, 0, 6)
	require.Equal(t, kerr.OffsetOutOfRange.Code, code)
	require.EqualValues(t, -1, low)
	_, code = ask(2, 9, 1)
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, code)
	low, code = ask(2, 0, -1)
	require.Zero(t, code)
	require.EqualValues(t, 5, low)
	require.Equal(t, kerr.OffsetOutOfRange.Code, c.ask(fetch(12, "topic", 0)).(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode)
}

func TestMetadata(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("one", 1, 2)
	c := h.dial()
	for version := int16(0); version <= 13; version++ {
		all := kmsg.NewPtrMetadataRequest()
		all.Version = version
		resp := c.ask(all).(*kmsg.MetadataResponse)
		require.Len(t, resp.Topics, 1, "v%d", version)
		require.Len(t, resp.Topics[0].Partitions, 2)
		require.Equal(t, []int32{1}, resp.Topics[0].Partitions[1].ISR)
		require.Equal(t, "broker.test", resp.Brokers[0].Host)
		if version >= 2 {
			require.Equal(t, "test-cluster", *resp.ClusterID)
		}
		if version >= 7 {
			require.EqualValues(t, 3, resp.Topics[0].Partitions[0].LeaderEpoch)
		}
		if version >= 1 {
			all.Topics = []kmsg.MetadataRequestTopic{}
			require.Empty(t, c.ask(all).(*kmsg.MetadataResponse).Topics)
		}
	}
}

func TestMetadataCreatesTopics(t *testing.T) {
	ask := func(c *client, version int16, allow bool, name string) kmsg.MetadataResponseTopic {
		req := kmsg.NewPtrMetadataRequest()
		req.Version, req.AllowAutoTopicCreation = version, allow
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
		return c.ask(req).(*kmsg.MetadataResponse).Topics[0]
	}
	h := newHarness(t, nil)
	c := h.dial()
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, ask(c, 4, false, "new").ErrorCode)
	require.Equal(t, kerr.InvalidTopicException.Code, ask(c, 4, true, "new topic").ErrorCode)
	created := ask(c, 13, true, "new")
	require.Zero(t, created.ErrorCode)
	require.Len(t, created.Partitions, 1)
	require.Zero(t, ask(c, 0, false, "newer").ErrorCode, "before v4 it always may")
	byID := kmsg.NewPtrMetadataRequest()
	byID.Version = 12
	byID.Topics = []kmsg.MetadataRequestTopic{{TopicID: created.TopicID}, {TopicID: [16]byte{5}}}
	resp := c.ask(byID).(*kmsg.MetadataResponse)
	require.NotEmpty(t, *resp.Topics[0].Topic)
	require.Equal(t, kerr.UnknownTopicID.Code, resp.Topics[1].ErrorCode)

	off := newHarness(t, func(c *Config) { c.DisableAutoCreate = true })
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, ask(off.dial(), 4, true, "new").ErrorCode)
}

func TestListOffsets(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	parts[0].put(1)
	parts[0].put(1)
	c := h.dial()
	ask := func(version int16, timestamp int64) kmsg.ListOffsetsResponseTopicPartition {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Timestamp = timestamp
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version = version
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "topic", Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
		return c.ask(req).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	}
	for version := int16(1); version <= 11; version++ {
		latest := ask(version, timestampLatest)
		require.EqualValues(t, 2, latest.Offset)
		if version >= 4 {
			require.EqualValues(t, 3, latest.LeaderEpoch)
		}
		require.EqualValues(t, 0, ask(version, timestampEarliest).Offset)
		byTime := ask(version, 1000)
		require.EqualValues(t, 1, byTime.Offset)
		require.EqualValues(t, 1234, byTime.Timestamp)
		for timestamp, since := range map[int64]int16{-3: 7, -4: 8, -5: 9, -6: 11, -7: 99} {
			want := int16(0)
			if version < since {
				want = kerr.UnsupportedVersion.Code
			}
			require.Equal(t, want, ask(version, timestamp).ErrorCode, "v%d timestamp %d", version, timestamp)
		}
	}
}

func TestInitProducerID(t *testing.T) {
	h := newHarness(t, nil)
	seen := make(map[int64]bool)
	for range 2 {
		c := h.dial()
		for version := int16(0); version <= 5; version++ {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.Version = version
			resp := c.ask(req).(*kmsg.InitProducerIDResponse)
			require.Zero(t, resp.ErrorCode)
			require.False(t, seen[resp.ProducerID])
			seen[resp.ProducerID] = true
		}
	}
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = kmsg.StringPtr("tx")
	require.Equal(t, kerr.InvalidRequest.Code, h.dial().ask(req).(*kmsg.InitProducerIDResponse).ErrorCode)
}

func TestFindCoordinator(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	for version := int16(0); version <= 6; version++ {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorKey, req.CoordinatorKeys = version, "g", []string{"g", "h"}
		resp := c.ask(req).(*kmsg.FindCoordinatorResponse)
		if version >= 4 {
			require.Len(t, resp.Coordinators, 2)
			require.Equal(t, "h", resp.Coordinators[1].Key)
			resp.Host, resp.Port = resp.Coordinators[1].Host, resp.Coordinators[1].Port
		}
		require.Equal(t, "broker.test", resp.Host)
		require.EqualValues(t, 9092, resp.Port)
	}
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.Version, req.CoordinatorType, req.CoordinatorKey = 3, 1, "tx"
	resp := c.ask(req).(*kmsg.FindCoordinatorResponse)
	require.Equal(t, kerr.InvalidRequest.Code, resp.ErrorCode)
	require.Contains(t, *resp.ErrorMessage, "transactions")
}

func TestDescribeConfigs(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.BrokerConfigs = map[string]string{"tide.wal": "mem:"} })
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.topics["topic"].Configs = map[string]string{"retention.ms": "5"} })
	c := h.dial()
	for version := int16(1); version <= 4; version++ {
		req := kmsg.NewPtrDescribeConfigsRequest()
		req.Version, req.IncludeSynonyms, req.IncludeDocumentation = version, true, true
		for _, r := range []struct {
			kind  kmsg.ConfigResourceType
			name  string
			names []string
		}{{2, "topic", nil}, {2, "topic", []string{"retention.ms"}}, {2, "none", nil}, {4, "1", nil}, {4, "2", nil}, {4, "", nil}, {8, "1", nil}} {
			o := kmsg.NewDescribeConfigsRequestResource()
			o.ResourceType, o.ResourceName, o.ConfigNames = r.kind, r.name, r.names
			req.Resources = append(req.Resources, o)
		}
		resp := c.ask(req).(*kmsg.DescribeConfigsResponse)
		require.Len(t, resp.Resources[0].Configs, len(topicConfigTable))
		one := resp.Resources[1].Configs
		require.Len(t, one, 1)
		require.Equal(t, "5", *one[0].Value)
		require.Equal(t, kmsg.ConfigSourceDynamicTopicConfig, one[0].Source)
		require.Equal(t, "604800000", *one[0].ConfigSynonyms[1].Value)
		require.Equal(t, kerr.UnknownTopicOrPartition.Code, resp.Resources[2].ErrorCode)
		var names []string
		for _, e := range resp.Resources[3].Configs {
			names = append(names, e.Name)
		}
		require.Subset(t, names, []string{"node.id", "message.max.bytes", "tide.wal", "auto.create.topics.enable"})
		require.Equal(t, kerr.InvalidRequest.Code, resp.Resources[4].ErrorCode)
		require.Zero(t, resp.Resources[5].ErrorCode)
		require.Equal(t, kerr.InvalidRequest.Code, resp.Resources[6].ErrorCode)
	}
}

// The table is searched by name, and its own defaults must pass its checks.
func TestTopicConfigTable(t *testing.T) {
	for i, e := range topicConfigTable {
		if i > 0 {
			require.Less(t, topicConfigTable[i-1].name, e.name)
		}
		require.NoError(t, checkTopicConfig(e.name, e.value))
		require.NotEmpty(t, e.describe())
	}
}
