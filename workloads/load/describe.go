package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Describe is every setting with its default resolved, for run.json. Groups are
// told apart by their names where there are several.
func (c Config) Describe() map[string]string {
	out := map[string]string{
		"load.acks": c.Acks, "load.linger": c.Linger.String(), "load.closed": strconv.FormatBool(c.Closed), "load.codec": c.Codec,
	}
	if c.OneInFlight {
		out["load.one_in_flight"] = "true"
	}
	if c.Group != "" {
		out["load.group"] = c.Group
	}
	for k, v := range map[string]int64{
		"topics": int64(c.Topics), "producers": int64(c.Producers), "consumers": int64(c.Consumers), "clients": int64(c.Clients),
		"value_bytes": int64(c.ValueSize), "rate_per_s": c.Rate, "batch_bytes": int64(c.BatchBytes), "sticky_bytes": int64(c.Sticky),
		"in_flight_bytes": int64(c.InFlight), "max_records": c.MaxRecords, "replicas": int64(c.Replicas),
	} {
		out["load."+k] = strconv.FormatInt(v, 10)
	}
	for k, v := range c.TopicConfig {
		out["load.topic."+k] = v
	}
	for _, g := range c.Groups {
		prefix := "load."
		if g.Name != "" {
			prefix += g.Name + "."
		}
		g.describe(out, prefix)
	}
	return out
}

func (g Group) describe(out map[string]string, prefix string) {
	out[prefix+"partitions"] = numbers(g.Partitions)
	out[prefix+"rate_per_s"], out[prefix+"value_bytes"] = strconv.FormatInt(g.Rate, 10), strconv.Itoa(g.ValueSize)
	out[prefix+"producers_per_topic"] = numbers(g.Producers)
	out[prefix+"subscriptions"], out[prefix+"consumers_per_subscription"] = strconv.Itoa(g.Subscriptions), strconv.Itoa(max(0, g.Consumers))
	out[prefix+"keys"], out[prefix+"payload"] = string(g.Keys), g.Payload.String()
	if len(g.Curve.Points) > 0 {
		out[prefix+"rate_curve"] = g.Curve.String()
	}
}

// numbers of topics: one for all that are equal, or a list.
func numbers(of []int) string {
	if len(slices.Compact(slices.Clone(of))) == 1 {
		return strconv.Itoa(of[0])
	}
	return strings.Trim(fmt.Sprint(of), "[]")
}
