package target

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/internal/spans"
)

// fakeMode makes the test binary play the broker.
const fakeMode = "FAKE_TIDE_BROKER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeMode); mode != "" {
		os.Exit(fakeBroker(mode))
	}
	goleak.VerifyTestMain(m)
}

// fakeBroker understands --listen and --admin as the broker does.
func fakeBroker(mode string) int {
	switch mode {
	case "refuse":
		fmt.Fprintln(os.Stderr, "time=1 level=INFO msg=starting")
		fmt.Fprintln(os.Stderr, "tide: wal: O_DIRECT is not supported on tmpfs\nremedy: put --data on ext4 or xfs")
		return 1
	case "mute":
		select {}
	}
	flags := map[string]string{}
	for i := 2; i+1 < len(os.Args); i += 2 {
		flags[os.Args[i]] = os.Args[i+1]
	}
	kafka, err := net.Listen("tcp", flags["--listen"])
	if err != nil {
		panic(err)
	}
	admin, err := net.Listen("tcp", flags["--admin"])
	if err != nil {
		panic(err)
	}
	go http.Serve(admin, fakeAdmin()) //nolint:errcheck // ends with the process
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Printf("ready kafka=%s admin=%s\n", kafka.Addr(), admin.Addr())
	if mode == "stubborn" {
		select {}
	}
	<-stop
	return 0
}

func fakeAdmin() http.Handler {
	mux := http.NewServeMux()
	say := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	say("GET /metrics", "# TYPE tide_wal_bytes_total counter\ntide_wal_bytes_total 4096\n"+
		"# TYPE tide_objstore_requests_total counter\ntide_objstore_requests_total{op=\"put\"} 7\n")
	say("POST /logcache/drop", `{"dropped_bytes":123}`)
	say("GET /streams", `[{"id":1,"topic":"t","partition":2,"start":0,"committed_end":10,"end":12}]`)
	say("GET /activity", `{"upload":[{"start_ns":5,"end_ns":9,"bytes":7},{"start_ns":11}],"compaction":[]}`)
	say("POST /compact", `{"objects_in":12,"objects_out":1,"bytes_read":30,"bytes_written":20}`)
	return mux
}

func config(t *testing.T, mode string) Config {
	t.Setenv(fakeMode, mode)
	self, err := os.Executable()
	require.NoError(t, err)
	return Config{Binary: self, Log: filepath.Join(t.TempDir(), "broker.log")}
}

func TestLifeOfAProcess(t *testing.T) {
	defer client.CloseIdleConnections()
	p, err := Start(t.Context(), config(t, "serve"))
	require.NoError(t, err)
	kafka, admin := p.Kafka(), p.Admin()

	m, err := ReadMetrics(t.Context(), admin)
	require.NoError(t, err)
	require.Equal(t, int64(4096), m.Int("tide_wal_bytes_total"))
	require.Equal(t, int64(7), m.Int(`tide_objstore_requests_total{op="put"}`))
	require.True(t, m.Has("tide_objstore_requests_total"))
	require.False(t, m.Has("tide_objstore"))

	n, err := DropLogCache(t.Context(), admin)
	require.NoError(t, err)
	require.Equal(t, int64(123), n)
	streams, err := Streams(t.Context(), admin)
	require.NoError(t, err)
	require.Equal(t, []Stream{{ID: 1, Topic: "t", Partition: 2, CommittedEnd: 10, End: 12}}, streams)
	require.Positive(t, p.Usage().PeakRSS)

	client.CloseIdleConnections()
	require.NoError(t, p.Kill())
	require.Zero(t, p.Usage().RSS)
	require.Positive(t, p.Usage().PeakRSS, "the dead life counts")
	require.ErrorContains(t, p.Kill(), "not running")

	require.NoError(t, p.Restart(t.Context()))
	require.Equal(t, kafka, p.Kafka())
	require.Equal(t, admin, p.Admin())
	require.ErrorContains(t, p.Restart(t.Context()), "still running")
	require.NoError(t, p.Stop())
	require.NoError(t, p.Stop(), "stopping a dead broker is no error")
}

// TestAdminRequests: what a broker can do beside serving clients.
func TestAdminRequests(t *testing.T) {
	defer client.CloseIdleConnections()
	p, err := Start(t.Context(), config(t, "serve"))
	require.NoError(t, err)
	work, err := p.Activity(t.Context())
	require.NoError(t, err)
	require.Equal(t, []spans.Span{{Start: 5, End: 9, Bytes: 7}, {Start: 11}}, work["upload"])
	require.Empty(t, work["compaction"])
	merged, err := p.Compact(t.Context())
	require.NoError(t, err)
	require.Equal(t, Compacted{ObjectsIn: 12, ObjectsOut: 1, BytesRead: 30, BytesWritten: 20}, merged)
	n, err := p.Committed(t.Context(), "t")
	require.NoError(t, err)
	require.Equal(t, int64(10), n)
	require.NoError(t, p.Kill())
	_, err = p.Activity(t.Context())
	require.Error(t, err, "the dead say nothing")
	require.NoError(t, p.Stop())
}

func TestStartSaysWhatTheBrokerSaid(t *testing.T) {
	_, err := Start(t.Context(), config(t, "refuse"))
	require.ErrorIs(t, err, ErrNotReady)
	require.ErrorContains(t, err, "did not start: wal: O_DIRECT is not supported on tmpfs\nremedy: put --data on ext4")
}

func TestStartGivesUp(t *testing.T) {
	cfg := config(t, "mute")
	cfg.ReadyTimeout = time.Millisecond
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "within 1ms: it said nothing")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Start(ctx, config(t, "mute"))
	require.ErrorIs(t, err, context.Canceled)

	cfg.Binary = "/no/such/binary"
	_, err = Start(t.Context(), cfg)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestStopKillsTheStubborn(t *testing.T) {
	cfg := config(t, "stubborn")
	cfg.StopTimeout = time.Millisecond
	p, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	ended := p.Ended()
	require.NoError(t, p.run.cmd.Process.Signal(syscall.SIGSTOP)) // it cannot even die of SIGTERM
	require.ErrorContains(t, p.Stop(), "was killed")
	<-ended
}

func TestTailKeepsTheEnd(t *testing.T) {
	var file bytes.Buffer
	w := &tailWriter{file: &file}
	for range 1000 {
		fmt.Fprintln(w, "a line of the log")
	}
	fmt.Fprintln(w, "last words")
	require.Equal(t, "last words", w.message())
	require.LessOrEqual(t, len(w.last), tailBytes)
	require.Contains(t, file.String(), "last words")
}

func TestParseReady(t *testing.T) {
	for line, want := range map[string]bool{
		"ready kafka=127.0.0.1:9092 admin=127.0.0.1:9090": true,
		"ready kafka=127.0.0.1:9092":                      false,
		"already kafka=a admin=b":                         false,
		"":                                                false,
	} {
		_, _, ok := parseReady(line, "kafka")
		require.Equal(t, want, ok, "%q", line)
	}
}
