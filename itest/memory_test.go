package itest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What the broker may hold beside its arenas (the caches, the buffers of the
// log and of large requests), in bytes.
const (
	beyondArenasOne  = 150 << 20
	beyondArenasMany = 250 << 20
)

// TestMemoryBeyondArenas: what partitions cost, with data in each: state,
// metadata, indexes. Arenas are bounded by flags, and outside of this count.
func TestMemoryBeyondArenas(t *testing.T) {
	for _, tc := range []struct {
		name                       string
		topics, partitions, rounds int
		limit                      int64
	}{
		{"partitions=1", 1, 1, 20_000, beyondArenasOne},
		{"partitions=5000", 5, 1000, 20, beyondArenasMany},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := start(t, t.TempDir())
			fillTopics(t, p, tc.topics, tc.partitions, tc.rounds)
			held := p.beyondArenas(t)
			t.Log(held)
			require.LessOrEqual(t, held.total(), tc.limit, "%v", held)
			p.stop(t)
		})
	}
}

// fillTopics makes topics and produces rounds of one record of 1 KiB to each
// partition, one batch each.
func fillTopics(t *testing.T, p *process, topics, partitions, rounds int) {
	ctx, cancel := context.WithTimeout(t.Context(), clientWithin)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(2<<10), kgo.MaxBufferedRecords(20_000))
	require.NoError(t, err)
	defer cl.Close()
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprint("memory-", i))
	}
	_, err = kadm.NewClient(cl).CreateTopics(ctx, int32(partitions), 1, nil, names...)
	require.NoError(t, err)
	value := make([]byte, 1<<10)
	failed := make(chan error, 1)
	for range rounds {
		for _, name := range names {
			for part := range int32(partitions) {
				cl.Produce(ctx, &kgo.Record{Topic: name, Partition: part, Value: value}, func(_ *kgo.Record, err error) {
					if err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
		}
	}
	require.NoError(t, cl.Flush(ctx))
	require.Empty(t, failed)
}

// held is memory in bytes.
type held struct {
	runtime int64 // that the Go runtime has from the system, less what it gave back
	file    int64 // resident pages of the binary
	rss     int64 // all of the process, arenas included
}

func (h held) total() int64 { return h.runtime + h.file }

func (h held) String() string {
	const mib = 1 << 20
	return fmt.Sprintf("beyond arenas %d MiB: Go runtime %d MiB, binary %d MiB; RSS with arenas %d MiB", h.total()/mib, h.runtime/mib, h.file/mib, h.rss/mib)
}

// beyondArenas asks the metrics and the kernel.
func (p *process) beyondArenas(t *testing.T) held {
	resp, err := http.Get("http://" + p.Admin + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	m := numbers(t, resp.Body, " ")
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(t, err)
	defer status.Close()
	s := numbers(t, status, ":")
	require.Positive(t, m["go_memstats_sys_bytes"])
	require.Positive(t, s["RssFile"])
	return held{
		runtime: int64(m["go_memstats_sys_bytes"] - m["go_memstats_heap_released_bytes"]),
		file:    int64(s["RssFile"]) << 10, rss: int64(s["VmRSS"]) << 10,
	}
}

// numbers reads lines of a name and a number; other lines are left out.
func numbers(t *testing.T, r io.Reader, sep string) map[string]float64 {
	out := make(map[string]float64)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), sep)
		if v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64); err == nil {
			out[name] = v
		}
	}
	require.NoError(t, lines.Err())
	return out
}
