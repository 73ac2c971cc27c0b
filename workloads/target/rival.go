package target

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
)

// rival is how Apache Kafka is configured: the keys of kafka and kafka-tiered.
type rival struct {
	// Profile is stock or tuned: which server-*.properties. Default stock.
	Profile string
	// Flush makes every batch durable before it is acknowledged. Default off,
	// as Kafka has it.
	Flush bool
	// Heap of the JVM, bytes. Default 1 GiB, as Kafka's scripts have it.
	Heap int64
	// JVM are options that come behind the profile's. Default none.
	JVM []string
	// Set are settings of server.properties, KEY=VALUE, that come over the
	// profile's. Default none.
	Set []string

	// Tiered turns KIP-405 on; what follows is for it alone.
	Tiered bool
	// RSM is the plug-in: s3 (scripts/kafka/rsm, the default) or local (Kafka's
	// LocalTieredStorage).
	RSM string
	// Store is an s3:// URL of a server that runs already. Default: one is
	// started beside the target (s3=).
	Store string
	// Segment is log.segment.bytes. Default: a sixteenth of what the load will
	// write to a partition, from 1 to 64 MiB; 64 MiB where that is not known.
	Segment int64
	// Cache is the plug-in's disk cache, bytes. Default 1 GiB; 0: none.
	Cache int64
	// Prefetch is how far the plug-in reads ahead, bytes. Default 16 MiB, and
	// none without a cache.
	Prefetch int64
	// Part of a multipart upload, bytes. Default 25 MiB.
	Part int64
}

// Bounds of a segment's default, bytes; Kafka allows no smaller one.
const (
	minSegment = 1 << 20
	maxSegment = 64 << 20
)

// rival reads the keys.
func (s Spec) rival() (rival, error) {
	r := rival{Profile: "stock", Heap: 1 << 30, Tiered: s.Kind == KafkaTiered, RSM: "s3", Cache: 1 << 30, Prefetch: 16 << 20, Part: 25 << 20}
	var errs []error
	size := func(key string, into *int64, least, most int64) {
		text, ok := s.Keys[key]
		if !ok {
			return
		}
		n, err := units.ParseSize(text)
		if err == nil && (n < least || n > most) {
			err = fmt.Errorf("%s: want %s to %s", text, units.Size(least), units.Size(most))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
		*into = n
	}
	size("heap", &r.Heap, 256<<20, 1<<40)
	size("segment", &r.Segment, minSegment, 1<<30)
	size("cache", &r.Cache, 0, 1<<44)
	if r.Cache == 0 {
		r.Prefetch = 0
	}
	size("prefetch", &r.Prefetch, 0, 1<<30)
	size("part", &r.Part, 5<<20, 1<<30)
	errs = append(errs, s.word("profile", &r.Profile, "stock", "tuned"), s.word("rsm", &r.RSM, "s3", "local"))
	var err error
	r.JVM, err = jvmOptions(s.Keys["jvm"])
	errs, r.Set = append(errs, err), s.properties()
	flush := "0"
	errs = append(errs, s.word("flush", &flush, "0", "1"), s.otherStorage(r.RSM))
	r.Flush, r.Store = flush == "1", s.Keys["store"]
	if r.Cache == 0 && r.Prefetch > 0 {
		errs = append(errs, errors.New("prefetch: without a cache there is nothing to read ahead into"))
	}
	if l, err := parseLimits("", s.Keys["memory"]); err == nil && l.memory > 0 && r.Heap >= l.memory {
		errs = append(errs, fmt.Errorf("heap: %s does not fit into memory=%s, which holds the page cache as well", units.Size(r.Heap), units.Size(l.memory)))
	}
	if r.Store != "" && !strings.HasPrefix(r.Store, "s3://") {
		errs = append(errs, fmt.Errorf("store: %s: want s3://BUCKET/PREFIX?endpoint=…", r.Store))
	}
	return r, errors.Join(errs...)
}

// word reads a key that has few values.
func (s Spec) word(key string, into *string, of ...string) error {
	text, ok := s.Keys[key]
	if !ok {
		return nil
	}
	for _, w := range of {
		if text == w {
			*into = w
			return nil
		}
	}
	return fmt.Errorf("%s: %s: want %s", key, text, strings.Join(of, " or "))
}

// durability of an acknowledgement. A topic's own flush.messages takes the place
// of the broker's. A flush now and then is named, and is not durable either.
func (r rival) durability(topic map[string]string) results.Durability {
	d := results.Durability{Acks: "all", Flush: "none", Replicas: 1, PowerCut: "a power cut loses what the page cache held"}
	records, own := flushSetting(topic, "flush.messages")
	ms, _ := flushSetting(topic, "flush.ms")
	switch {
	case records == 1, !own && r.Flush:
		d.Flush, d.PowerCut = "fsync", "a power cut loses nothing acknowledged (flush.messages=1)"
	case records > 0:
		d.Flush, d.PowerCut = fmt.Sprintf("fsync every %d records", records), "a power cut loses what was not flushed yet"
	case ms > 0:
		d.Flush, d.PowerCut = fmt.Sprintf("fsync every %d ms", ms), "a power cut loses what was not flushed yet"
	}
	return d
}

// flushSetting is one of a topic's, 0: never, and whether the topic has it.
func flushSetting(topic map[string]string, name string) (every int64, own bool) {
	text, own := topic[name]
	every, err := strconv.ParseInt(text, 10, 64)
	if err != nil || every == math.MaxInt64 {
		return 0, own
	}
	return every, own
}

// segment is log.segment.bytes for a load of so many bytes a partition.
func (r rival) segment(perPartition int64) int64 {
	switch {
	case r.Segment != 0:
		return r.Segment
	case perPartition == 0:
		return maxSegment
	}
	return min(max(perPartition/16, minSegment), maxSegment)
}
