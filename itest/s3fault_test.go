package itest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// storeTroubles are the ways in which S3 fails under a broker that writes.
var storeTroubles = map[string]func(t *testing.T, upstream string) trouble{
	"dead": dead,
	"black hole": func(t *testing.T, up string) trouble {
		return toxic(t, up, `{"type":"timeout","attributes":{"timeout":0}}`)
	},
	"slow": func(t *testing.T, up string) trouble {
		return toxic(t, up, `{"type":"bandwidth","stream":"upstream","attributes":{"rate":100}}`, `{"type":"latency","attributes":{"latency":500}}`)
	},
	"resets": func(t *testing.T, up string) trouble {
		return toxic(t, up, `{"type":"reset_peer","attributes":{"timeout":5}}`)
	},
	"cut": func(t *testing.T, up string) trouble {
		return toxic(t, up, `{"type":"limit_data","stream":"upstream","attributes":{"bytes":100000}}`)
	},
	"503": slowDown,
}

// TestStoreTrouble: when S3 fails, producers go on until the WAL is full and
// then wait. When it is back everything goes on by itself, and nothing that
// was acknowledged is lost, in the log cache, in the objects, or after a kill.
func TestStoreTrouble(t *testing.T) {
	server := startS3(t, "versitygw")
	for name, make := range storeTroubles {
		t.Run(name, func(t *testing.T) {
			k := onS3(t, make(t, server.addr))
			reached := k.steady.offer(1000, 1000)
			k.await(reached, "the first acknowledgements")
			until(t, "an upload before the trouble", func() bool { return k.metric("tide_upload_objects_total") > 0 })

			k.trouble.on()
			waits, full := k.metric("tide_stream_space_waits_total"), k.metric("tide_wal_ring_full_total")
			const more = 30_000 // records of 1 KiB: twice what the WAL holds
			reached = k.steady.offer(more, more)
			until(t, "the WAL is full", func() bool { return k.metric("tide_wal_ring_full_total") > full })
			until(t, "producers wait", func() bool { return k.metric("tide_stream_space_waits_total") > waits })
			until(t, "attempts fail", func() bool { return k.metric("tide_objstore_retries_total")+k.metric("tide_upload_retries_total") > 0 })
			require.Less(t, k.steady.acked.total(), int64(more), "the trouble lets too much through to fill the WAL")
			k.trouble.off()

			k.await(reached, "acknowledgements after the trouble")
			k.steady.finish()
			k.verify(0)
			k.dropCache()
			k.verify(1)
			t.Logf("%d records, %d attempts at the store, of which %d repeated and %d throttled", k.steady.acked.total(),
				k.metric("tide_objstore_attempts_total"), k.metric("tide_objstore_retries_total"), k.metric("tide_objstore_throttles_total"))
			k.p.kill()
			k.p = k.startOnS3()
			k.verify(2)
		})
	}
}

// TestStoreCutsReads: bodies of GETs that are cut off are asked for again, and
// consumers see every record.
func TestStoreCutsReads(t *testing.T) {
	server := startS3(t, "versitygw")
	// A connection lasts for some blocks, and is cut in the middle of one.
	k := onS3(t, toxic(t, server.addr, `{"type":"limit_data","stream":"downstream","attributes":{"bytes":300000}}`), "--object-block", "64KiB")
	k.await(k.steady.offer(10_000, 10_000), "acknowledgements")
	k.steady.finish()
	until(t, "everything is in objects", func() bool { return k.metric("tide_logcache_bytes") == 0 || k.dropped() })
	k.trouble.on()
	k.verify(0)
	require.Positive(t, k.metric("tide_objstore_retries_total"), "no body was cut")
}

// TestStoreDownAtStart: the broker waits for its store and says so, with
// records in the WAL or without, and serves when it is back.
func TestStoreDownAtStart(t *testing.T) {
	server := startS3(t, "versitygw")
	k := onS3(t, dead(t, server.addr), "--upload-interval", "1h", "--upload-threshold", "4MiB")
	k.await(k.steady.offer(500, 500), "acknowledgements")
	k.steady.finish()
	k.p.kill()
	k.trouble.on()
	k.p = spawn(t, k.s3Args())
	until(t, "the broker says that it waits", func() bool { return strings.Contains(k.p.stderr.String(), "waiting for the object store") })
	select {
	case <-k.p.out.found:
		t.Fatal("ready without a store")
	default:
	}
	k.trouble.off()
	require.NoError(t, k.p.waitReady(), "stderr:\n%s", k.p.stderr)
	k.verify(0)
}

// TestStoreRefuses: what no waiting can cure is one clear line.
func TestStoreRefuses(t *testing.T) {
	server := startS3(t, "versitygw")
	for want, url := range map[string]string{
		"create it":         strings.Replace(storeURL(server.addr, "x"), s3Bucket, "no-such-bucket", 1),
		"from 5 MiB":        storeURL(server.addr, "x", "part=1MiB"),
		"unknown key":       storeURL(server.addr, "x", "regoin=eu"),
		"s3-standard":       storeURL(server.addr, "x", "model=s4"),
		"without model":     "mem:?seed=1",
		"want http://HOST:": "s3://b?endpoint=localhost:1",
	} {
		p := spawn(t, small(t.TempDir(), "--store", url))
		require.Error(t, p.wait(readyWithin), url)
		require.Contains(t, p.stderr.String(), want, url)
		require.NotContains(t, p.stderr.String(), "goroutine ", url)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	require.Contains(t, refused(t, t.TempDir(), "--store", storeURL(server.addr, "x")), "credentials")
}

// behindProxy is a killer whose broker keeps its objects in S3, behind a proxy.
type behindProxy struct {
	*killer
	trouble trouble
	more    []string
}

// onS3 starts a broker with a WAL of 16 MiB, which is full before its log cache
// is, and a producer.
func onS3(t *testing.T, tr trouble, more ...string) *behindProxy {
	k := &behindProxy{newKiller(t, "pwrite"), tr, more}
	k.p = k.startOnS3()
	k.createTopics()
	k.steady = newSteady(t, k.addr)
	return k
}

func (k *behindProxy) s3Args() []string {
	// Attempts end soon, so that a black hole shows within the test.
	args := []string{
		"--listen", k.addr, "--wal", "pwrite:" + walOf(k.dir) + "?capacity=16MiB", "--log-cache", "64MiB",
		"--store", storeURL(k.trouble.addr, strings.NewReplacer("/", "-", " ", "-").Replace(k.t.Name()), "deadline=3s"),
	}
	if len(k.more) == 0 {
		args = append(args, "--upload-threshold", "1MiB")
	}
	return small(k.dir, append(args, k.more...)...)
}

func (k *behindProxy) startOnS3() *process {
	p := spawn(k.t, k.s3Args())
	require.NoError(k.t, p.waitReady(), "stderr:\n%s", p.stderr)
	return p
}

func (k *behindProxy) metric(name string) int64 { return metric(k.t, k.p.Admin, name) }

func (k *behindProxy) await(reached <-chan struct{}, what string) {
	k.t.Helper()
	limit := time.NewTimer(restartsWithin)
	defer limit.Stop()
	select {
	case <-reached:
		require.NoError(k.t, k.steady.acked.failure())
	case <-k.p.exited:
		k.t.Fatalf("%s: the broker ended by itself: %v", what, k.p.err)
	case <-limit.C:
		k.t.Fatalf("%s: not within %v", what, restartsWithin)
	}
}

// dropCache has what is committed read from objects from now on.
func (k *behindProxy) dropCache() {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: clientWithin}
	resp, err := client.Post("http://"+k.p.Admin+"/logcache/drop", "", nil)
	require.NoError(k.t, err)
	require.NoError(k.t, resp.Body.Close())
	require.Equal(k.t, http.StatusOK, resp.StatusCode)
}

// dropped drops what is committed, and reports whether nothing else is left.
func (k *behindProxy) dropped() bool {
	k.dropCache()
	return k.metric("tide_logcache_bytes") == 0
}
