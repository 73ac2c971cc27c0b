package target

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigureKafka(t *testing.T) {
	k := &kafka{dir: "/d/kafka"}
	at := &store{addr: "127.0.0.1:7"}
	require.NoError(t, k.configure(rival{Profile: "stock", Heap: 1 << 30, Tiered: true, RSM: "s3", Cache: 8, Prefetch: 4, Part: 5, Flush: true}, 64<<20, at))
	args := strings.Join(k.args, " ")
	require.Contains(t, args, "--heap 1024m --flush")
	require.Contains(t, args, "--cache 8 --prefetch 4 --part 5")
	require.Contains(t, args, "--tiered s3://bench/kafka?endpoint=http://127.0.0.1:7&path_style=true --segment 4194304")
	require.Contains(t, k.env, "AWS_ACCESS_KEY_ID=bench")
	require.NotEmpty(t, k.admin)

	k = &kafka{dir: "/d/kafka"}
	require.NoError(t, k.configure(rival{Profile: "stock", Heap: 1 << 30}, 0, nil))
	require.NotContains(t, k.args, "--tiered")
	require.Empty(t, k.admin)
}

// TestSettleWaitsForSegments: all but the active segment of each partition must
// have left the local log.
func TestSettleWaitsForSegments(t *testing.T) {
	dir := t.TempDir()
	k := &tieredKafka{&kafka{child: &child{}, dir: dir}}
	for _, name := range []string{"t-0/1.log", "t-0/2.log", "t-0/1.log.deleted", "t-1/1.log", "u-0/1.log", "u-0/2.log", "t-2.x-delete/1.log", "t-2.x-delete/2.log"} {
		path := filepath.Join(dir, "log", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorContains(t, k.Settle(ctx, "t-"), "1 segments to be tiered")
	require.NoError(t, os.Remove(filepath.Join(dir, "log", "t-0", "1.log")))
	n, err := localSegments(filepath.Join(dir, "log"), "t-")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestKafkaForgetsAndCounts(t *testing.T) {
	defer client.CloseIdleConnections()
	server := httptest.NewServer(fakeAdmin())
	defer server.Close()
	k := &tieredKafka{&kafka{child: &child{}, admin: strings.TrimPrefix(server.URL, "http://")}}
	require.ErrorContains(t, k.Forget(t.Context()), "/cache/drop", "this one is a broker's, which has no such thing")
	m, err := k.Metrics(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(7), m.Int(`tide_objstore_requests_total{op="put"}`))
	k.admin = ""
	require.NoError(t, k.Forget(t.Context()))
}

func TestKafkaDescribesItself(t *testing.T) {
	dir := t.TempDir()
	text := "# a=b\nnum.io.threads=8\nlisteners=PLAINTEXT://127.0.0.1:1\nlog.dirs=/x\nlog.segment.bytes=1\nlog.segment.bytes=2\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.properties"), []byte(text), 0o600))
	require.Equal(t, map[string]string{"kafka.num.io.threads": "8", "kafka.log.segment.bytes": "2"}, (&kafka{dir: dir}).Describe())
	require.Equal(t, map[string]string{"kafka.jvm.heap": "1GiB"}, (&kafka{dir: "/no/such", heap: 1 << 30}).Describe())
}

// TestProbe asks until the answer is yes, or time is up.
func TestProbe(t *testing.T) {
	n := 0
	require.NoError(t, probe(func(context.Context) error {
		if n++; n < 2 {
			return errors.New("not yet")
		}
		return nil
	}).await(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, speaksKafka("127.0.0.1:1").await(ctx), context.Canceled)
}

// TestPinned: the child runs where it is told to, and this process goes on
// everywhere.
func TestPinned(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	l, err := parseLimits("0", "")
	require.NoError(t, err)
	out, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer out.Close()
	cmd := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status")
	cmd.Stdout = out
	require.NoError(t, l.start(cmd))
	require.NoError(t, cmd.Wait())
	text, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Equal(t, "Cpus_allowed_list:\t0\n", string(text))

	l, err = parseLimits("1023", "")
	require.NoError(t, err)
	require.ErrorContains(t, l.start(exec.Command("true")), "no processor 1023")
}

// TestMemoryLimit: the child is in a group of its own, or it is said why not.
func TestMemoryLimit(t *testing.T) {
	l, err := parseLimits("", "64MiB")
	require.NoError(t, err)
	cmd := exec.Command("true")
	if err := l.start(cmd); err != nil {
		require.ErrorContains(t, err, "memory: ")
		return
	}
	require.NoError(t, cmd.Wait())
	require.Contains(t, l.hint(errors.New("signal: killed")), "memory=64MiB may be too little")
	require.Empty(t, l.hint(nil))
	group := l.group
	require.DirExists(t, group)
	require.GreaterOrEqual(t, l.peak(), int64(0))
	l.close()
	require.NoDirExists(t, group)
}

// TestLoadIsLimitedToo: this process is in a group beside, or it is said why not,
// and comes back.
func TestLoadIsLimitedToo(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	limited := func(text string) (*LoadLimit, error) {
		s, err := ParseSpec(text)
		require.NoError(t, err)
		return s.LimitLoad()
	}
	none, err := limited("tide")
	require.NoError(t, err)
	require.Zero(t, none.Peak())
	require.NoError(t, none.Close())
	_, err = limited("tide?memory=128MiB")
	require.ErrorContains(t, err, "memory=128MiB is too little for it: want 256MiB")
	l, err := limited("tide?memory=1GiB")
	if err != nil {
		require.ErrorContains(t, err, "memory: ")
		return
	}
	group, before := l.limits.group, l.back
	in, err := ownGroup()
	require.NoError(t, err)
	require.Equal(t, group, in)
	require.GreaterOrEqual(t, l.Peak(), int64(0))
	require.NoError(t, l.Close())
	in, err = ownGroup()
	require.NoError(t, err)
	require.Equal(t, before, in)
	require.NoDirExists(t, group)
}

func TestNoCheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := ParseSpec("kafka")
	require.NoError(t, err)
	require.ErrorContains(t, s.Prepare(t.Context(), io.Discard), "checkout")
	s, err = ParseSpec("tide")
	require.NoError(t, err)
	require.NoError(t, s.Prepare(t.Context(), io.Discard))
}
