package target

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

func TestParseRivals(t *testing.T) {
	s, err := ParseSpec("kafka?flush=1&profile=tuned&heap=512MiB&cpus=0-1,3&memory=2GiB")
	require.NoError(t, err)
	r, err := s.rival()
	require.NoError(t, err)
	require.Equal(t, "tuned", r.Profile)
	require.True(t, r.Flush)
	require.Equal(t, int64(512<<20), r.Heap)
	require.Nil(t, s.TopicConfig())
	require.Equal(t, "kafka", s.needs())

	s, err = ParseSpec("kafka-tiered?cache=0&model=s3-express")
	require.NoError(t, err)
	r, err = s.rival()
	require.NoError(t, err)
	require.Zero(t, r.Prefetch, "there is nothing to read ahead into")
	b, err := s.beside()
	require.NoError(t, err)
	require.Equal(t, beside{"versitygw", "s3-express"}, b)
	require.Equal(t, map[string]string{"remote.storage.enable": "true"}, s.TopicConfig())

	for text, want := range map[string]string{
		"kafka?wal=uring:":                       "wal is no key of kafka",
		"kafka?segment=1MiB":                     "segment is no key",
		"kafka?flush=yes":                        "flush: yes: want 0 or 1",
		"kafka?profile=best":                     "want stock or tuned",
		"kafka?heap=1MiB":                        "want 256MiB to",
		"kafka?memory=1GiB":                      "heap: 1GiB does not fit into memory=1GiB",
		"kafka-tiered?cache=0&prefetch=1MiB":     "nothing to read ahead into",
		"kafka-tiered?rsm=local&s3=versitygw":    "elsewhere",
		"kafka-tiered?rsm=local&model=s3-expr":   "add s3=versitygw",
		"kafka-tiered?store=dir:/x":              "want s3://",
		"tide?s3=minio":                          "want versitygw",
		"tide?model=s3-standard":                 "add s3=versitygw",
		"tide?s3=versitygw&model=gp3":            "want s3-standard",
		"tide?s3=versitygw&store=mem:":           "elsewhere",
		"null?wal=mem:":                          "use tide?wal=mem:",
		"tide?cpus=2-1":                          "want processors such as",
		"tide?memory=1KiB":                       "want at least 64MiB",
		"kafka?data=/x&flush=2&cpus=a&memory=1x": "flush: 2",
	} {
		_, err := ParseSpec(text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestDurabilityOfRivals: a Kafka that never flushes must not look durable.
func TestDurabilityOfRivals(t *testing.T) {
	for text, want := range map[string][2]string{
		"kafka":                {"none", "loses what the page cache held"},
		"kafka-tiered?flush=1": {"fsync", "loses nothing acknowledged"},
		"null":                 {"none", "nothing is stored"},
		"tide?wal=mem:":        {"none", "may lose"},
	} {
		s, err := ParseSpec(text)
		require.NoError(t, err)
		d, err := s.Durability(nil)
		require.NoError(t, err)
		require.Equal(t, want[0], d.Flush, text)
		require.Contains(t, d.PowerCut, want[1], text)
	}
}

// TestTopicsFlush: a driver file may say what its topics flush, as the benchmark's
// own kafka-sync.yaml does.
func TestTopicsFlush(t *testing.T) {
	for _, c := range []struct {
		text  string
		topic map[string]string
		flush string
	}{
		{"kafka", map[string]string{"flush.messages": "1", "flush.ms": "0"}, "fsync"},
		{"kafka", map[string]string{"flush.messages": "9223372036854775807"}, "none"},
		{"kafka", map[string]string{"flush.messages": "1000"}, "fsync every 1000 records"},
		{"kafka", map[string]string{"flush.ms": "200"}, "fsync every 200 ms"},
		{"kafka?flush=1", map[string]string{"flush.messages": "1000"}, "fsync every 1000 records"},
		{"kafka?flush=1", map[string]string{"flush.ms": "200"}, "fsync"},
		{"tide", map[string]string{"flush.messages": "1000"}, "dsync"},
	} {
		s, err := ParseSpec(c.text)
		require.NoError(t, err)
		d, err := s.Durability(c.topic)
		require.NoError(t, err)
		require.Equal(t, c.flush, d.Flush, "%s %v", c.text, c.topic)
		require.Equal(t, c.flush == "fsync" || c.flush == "dsync", d.Class() == results.Durable, "%s %v", c.text, c.topic)
	}
}

func TestSegmentFitsTheLoad(t *testing.T) {
	for perPartition, want := range map[int64]int64{0: 64 << 20, 1 << 20: 1 << 20, 64 << 20: 4 << 20, 1 << 40: 64 << 20} {
		require.Equal(t, want, rival{}.segment(perPartition))
	}
	require.Equal(t, int64(5), rival{Segment: 5}.segment(1<<30))
}

func TestNullHasNeither(t *testing.T) {
	s, err := ParseSpec("null?log-cache=64MiB")
	require.NoError(t, err)
	args, err := s.Args("/data", walCapacity)
	require.NoError(t, err)
	require.Equal(t, []string{"--data", "/data", "--wal", "null:", "--store", "null:", "--log-cache=64MiB"}, args)
	require.True(t, s.Discards())
}
