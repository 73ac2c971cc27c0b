package itest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKill9 kills the broker at random points under load and recovers it, again
// and again on the same data. Two producers write all the time:
//
//	steady  ONE idempotent franz-go client over all rounds: whatever was in
//	        flight at a kill is retried after it, so in the end each partition
//	        holds exactly what was sent, once, in order, although some of it
//	        was on disk already when the retry came
//	plain   batches of seven records over raw TCP, never retried: an
//	        acknowledged one is there at its offset, any other is there whole
//	        or not at all
//
// After each restart everything is read back from offset 0. In one round of
// four the broker is also killed while it recovers.
func TestKill9(t *testing.T) {
	newKiller(t, "pwrite").run(*rounds)
}

// TestKill9Uring is the same over io_uring, fewer rounds. On a machine that
// does not let us have a ring, the broker must say so and what to do.
func TestKill9Uring(t *testing.T) {
	k := newKiller(t, "uring")
	p := spawn(t, k.args())
	if p.waitReady() != nil {
		require.Contains(t, p.stderr.String(), "io_uring", "the refusal names its cause")
		require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
		t.Logf("no io_uring here; the broker says so: %s", p.stderr.lines())
		return
	}
	p.kill()
	k.run((*rounds + 3) / 4)
}

func (k *killer) run(rounds int) {
	k.p = k.start()
	k.createTopics()
	k.steady = newSteady(k.t, k.addr)
	for round := range rounds {
		k.round(round)
	}
	k.p.stop(k.t)
	k.p = k.start()
	k.steady.finish()
	k.verify(rounds)
	k.t.Logf("%d rounds (%d more kills during recovery, seed %d): %d records of the idempotent producer, %d batches acknowledged to the plain one; "+
		"of %d unacknowledged batches %d are there whole, the others not at all; %d objects uploaded before kills; %d records read back",
		rounds, k.stillborn, *seed, k.steady.acked.total(), k.plain.ackedBatches(), k.plain.unacked, k.plain.whole, k.uploads, k.read)
	require.Positive(k.t, k.uploads, "no upload ran before any kill: the loop tested the WAL alone")
}

// Sizes of the load, per round, so that 20 rounds stay within a minute or two.
const (
	minAcks, maxAcks = 200, 4000 // the kill comes after this many of steady's acks
	overhang         = 500       // records offered beyond that, so that the kill hits load in flight
	topicSteady      = "steady"
	topicPlain       = "plain"
	partitions       = 3
	restartsWithin   = 5 * time.Minute
)

// killer is the state of the loop.
type killer struct {
	t      *testing.T
	rng    *rand.Rand
	dir    string
	wal    string // scheme of the WAL URL
	addr   string // fixed over all rounds, so that steady's client finds the broker again
	p      *process
	steady *steady
	plain  *plain
	more   []string                // flags
	during func(p *process) func() // started with each round's load, ended after the kill; nil: nothing

	stillborn int   // kills during recovery
	uploads   int64 // objects uploaded, as the metrics said before each kill
	merges    int64 // of objects, likewise
	read      int64 // records read back
}

func newKiller(t *testing.T, wal string) *killer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	return &killer{t: t, rng: rand.New(rand.NewPCG(*seed, 9)), dir: t.TempDir(), wal: wal, addr: addr, plain: newPlain()}
}

func (k *killer) args() []string {
	return small(k.dir, append([]string{"--listen", k.addr, "--wal", k.wal + ":" + filepath.Join(k.dir, "wal") + "?capacity=64MiB"}, k.more...)...)
}

func (k *killer) start() *process {
	p := spawn(k.t, k.args())
	require.NoError(k.t, p.waitReady(), "stderr:\n%s", p.stderr)
	return p
}

func (k *killer) createTopics() {
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.addr))
	require.NoError(k.t, err)
	defer cl.Close()
	resp, err := kadm.NewClient(cl).CreateTopics(k.t.Context(), partitions, 1, nil, topicSteady, topicPlain)
	require.NoError(k.t, err)
	for _, r := range resp {
		require.NoError(k.t, r.Err)
	}
}

// round runs load, kills, restarts and verifies.
func (k *killer) round(round int) {
	acks := minAcks + k.rng.Int64N(maxAcks-minAcks)
	reached := k.steady.offer(acks, acks+overhang)
	stopped := k.plain.run(k.addr, round)
	if k.during != nil {
		defer k.during(k.p)()
	}
	limit := time.NewTimer(clientWithin)
	defer limit.Stop()
	select {
	case <-reached:
	case <-k.p.exited:
		k.t.Fatalf("round %d: the broker ended by itself: %v\n%s", round, k.p.err, k.p.stderr)
	case <-limit.C:
		k.t.Fatalf("round %d: %d acks did not come within %v\n%s", round, acks, clientWithin, k.p.stderr)
	}
	k.uploads += metric(k.t, k.p.Admin, "tide_upload_objects_total")
	k.merges += metric(k.t, k.p.Admin, "tide_compact_jobs_total")
	k.p.kill()
	require.NoError(k.t, <-stopped, "round %d", round)
	if k.rng.IntN(4) == 0 {
		k.killRecovery()
	}
	k.p = k.start()
	k.verify(round)
}

// killRecovery starts the broker and kills it at a random moment, most often
// before it is ready.
func (k *killer) killRecovery() {
	p := spawn(k.t, k.args())
	moment := time.NewTimer(time.Duration(k.rng.IntN(400)) * time.Millisecond)
	defer moment.Stop()
	select {
	case <-moment.C:
	case <-p.exited:
		k.t.Fatalf("a restart ended by itself: %v\n%s", p.err, p.stderr)
	}
	p.kill()
	k.stillborn++
}

// verify reads both topics from offset 0 to their ends and checks every record.
func (k *killer) verify(round int) {
	ctx, cancel := context.WithTimeout(k.t.Context(), restartsWithin)
	defer cancel()
	acked := k.steady.acked.all() // before the ends are asked for: these must be there
	for p, end := range k.readAll(ctx, topicSteady, k.steady.check) {
		require.GreaterOrEqual(k.t, end, acked[p], "round %d: %s/%d: acknowledged records are missing at the end", round, topicSteady, p)
	}
	k.plain.begin()
	k.readAll(ctx, topicPlain, k.plain.check)
	require.NoError(k.t, k.plain.end(), "round %d", round)
}

// readAll passes every record of a topic, in order by partition, to check and
// returns the ends up to which it read.
func (k *killer) readAll(ctx context.Context, topic string, check func(*kgo.Record) error) map[int32]int64 {
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().At(0)
	}
	cl, err := kgo.NewClient(append(quick(k.addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	require.NoError(k.t, err)
	defer cl.Close()
	listed, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	require.NoError(k.t, err)
	ends, next := map[int32]int64{}, map[int32]int64{}
	left := int64(0)
	listed.Each(func(o kadm.ListedOffset) {
		require.NoError(k.t, o.Err)
		ends[o.Partition] = o.Offset
		left += o.Offset
	})
	require.Len(k.t, ends, partitions)
	for left > 0 {
		fetches := cl.PollFetches(ctx)
		require.NoError(k.t, fetches.Err(), "%s: %d records before the end; read up to %v of %v", topic, left, next, ends)
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset >= ends[r.Partition] {
				return
			}
			require.Equal(k.t, next[r.Partition], r.Offset, "%s/%d: offsets have a gap or repeat", topic, r.Partition)
			require.NoError(k.t, check(r), "%s/%d offset %d", topic, r.Partition, r.Offset)
			next[r.Partition]++
			left--
			k.read++
		})
	}
	return ends
}

// quick are the options of a client that finds a restarted broker at once.
func quick(addr string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(addr), kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	}
}

// metric is the sum of a counter over its labels, 0 if there is none.
func metric(t *testing.T, admin, name string) int64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/metrics", nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: clientWithin}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	sum := 0.0
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(string(body), -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err, fmt.Sprint(m))
		sum += v
	}
	return int64(sum)
}
