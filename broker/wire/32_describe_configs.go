package wire

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeConfigs, v1–4
//
//	v1  source of each value, synonyms (KIP-226)
//	v3  type, documentation (KIP-569)
//	v4  flexible
//
// Topics and brokers can be described. A null list of names asks for all, an
// empty one for all too, as in Kafka.

func init() {
	register(&api{
		name: "DescribeConfigs", key: 32, min: 1, max: 4, flexible: 4,
		body: []field{
			array(
				fixed(1),     // type of the resource
				text(),       // its name
				list(text()), // names of configs
			),
			fixed(1).since(1), // synonyms
			fixed(1).since(3), // documentation
		},
		serve: serveKmsg(describeConfigs),
	})
}

func describeConfigs(c *conn, _ *request, req *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsResponse {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	resp.Resources = []kmsg.DescribeConfigsResponseResource{}
	type resource struct {
		kind kmsg.ConfigResourceType
		name string
	}
	// All configs of a resource are told once: asking takes a few bytes, the
	// answer thousands.
	seen := make(map[resource]bool)
	for i := range req.Resources {
		asked := &req.Resources[i]
		if len(asked.ConfigNames) == 0 {
			one := resource{asked.ResourceType, asked.ResourceName}
			if seen[one] {
				continue
			}
			seen[one] = true
		}
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = asked.ResourceType, asked.ResourceName
		out.Configs = []kmsg.DescribeConfigsResponseResourceConfig{}
		entries, err := c.describe(asked)
		out.ErrorCode, out.ErrorMessage = c.explained(err)
		for _, e := range entries {
			if len(asked.ConfigNames) == 0 || slices.Contains(asked.ConfigNames, e.name) {
				out.Configs = append(out.Configs, e.describe(req.IncludeSynonyms, req.IncludeDocumentation))
			}
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// describe lists the configs of one resource.
func (c *conn) describe(asked *kmsg.DescribeConfigsRequestResource) ([]configEntry, error) {
	switch asked.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if err := checkTopicName(asked.ResourceName); err != nil {
			return nil, err
		}
		t, ok := c.srv.cfg.Metadata.Topic(asked.ResourceName)
		if !ok {
			return nil, kerr.UnknownTopicOrPartition
		}
		return describeTopic(t.Configs), nil
	case kmsg.ConfigResourceTypeBroker:
		return c.describeBroker(asked.ResourceName)
	}
	return nil, fmt.Errorf("resource type %d cannot be described: %w", asked.ResourceType, kerr.InvalidRequest)
}

// describeBroker serves this broker's own settings. The empty name stands for
// what is set dynamically for all brokers: nothing.
func (c *conn) describeBroker(name string) ([]configEntry, error) {
	if name == "" {
		return nil, nil
	}
	if name != strconv.Itoa(int(c.srv.cfg.NodeID)) {
		return nil, fmt.Errorf("broker %q is not this one, %d: %w", name, c.srv.cfg.NodeID, kerr.InvalidRequest)
	}
	return brokerEntries(&c.srv.cfg), nil
}

// describe makes one entry of the answer.
func (e *configEntry) describe(synonyms, documentation bool) kmsg.DescribeConfigsResponseResourceConfig {
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.Source, out.ConfigType = e.name, &e.value, e.source, e.kind
	out.ReadOnly = e.readOnly
	out.ConfigSynonyms = []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{}
	if synonyms {
		for _, s := range e.synonyms {
			o := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			o.Name, o.Value, o.Source = s.name, &s.value, s.source
			out.ConfigSynonyms = append(out.ConfigSynonyms, o)
		}
	}
	if documentation {
		out.Documentation = &e.doc
	}
	return out
}
