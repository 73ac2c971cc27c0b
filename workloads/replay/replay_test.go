package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/workloads/load"
)

// childEnv makes this test's binary a child: `replay`, as tide is, or what its
// value says.
const childEnv = "REPLAY_TEST_CHILD"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) != 2 || os.Args[1] != "replay":
		goleak.VerifyTestMain(m)
	case os.Getenv(childEnv) == "dies":
		os.Exit(1)
	case os.Getenv(childEnv) == "priorities":
		fmt.Println(priorities())
	default:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Run(ctx, os.Stdin, os.Stdout, noDriver); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func noDriver([]byte, load.Config) (load.Config, error) {
	return load.Config{}, errors.New("no driver here")
}

// filled is a load whose records lie in a Kafka of this process.
func filled(t *testing.T, records int64) (*load.Load, []int64) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	l, err := load.New(load.Config{
		Brokers: cluster.ListenAddrs(), Topic: "t", Topics: 2, Partitions: 3, Producers: 2, Consumers: -1,
		Closed: true, MaxRecords: records, ValueSize: 200,
	}, load.NewClock(), load.NewRecorder())
	require.NoError(t, err)
	require.NoError(t, l.CreateTopics(t.Context()))
	p, err := l.StartProducers(t.Context(), time.Minute)
	require.NoError(t, err)
	require.NoError(t, p.Wait(t.Context()))
	ends, err := l.Ends(t.Context())
	require.NoError(t, err)
	return l, ends
}

func self(t *testing.T) string {
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

func TestReplay(t *testing.T) {
	l, ends := filled(t, 600)
	var records, bytes atomic.Int64
	p, err := Start(self(t), Spec{Load: l.Config(), Consumers: 2, Ends: ends}, func(r, b int64) { records.Add(r); bytes.Add(b) })
	require.NoError(t, err)
	require.NoError(t, p.Wait(t.Context()))
	got, err := p.Stop()
	require.NoError(t, err)
	require.True(t, got.Through)
	require.Empty(t, got.Error)
	require.Positive(t, got.First)
	require.Positive(t, got.CPU)
	require.EqualValues(t, 600, records.Load())
	require.EqualValues(t, 600*200, bytes.Load())
	v := l.Observed(got.Reading)
	require.True(t, v.OK(), "%+v", v)
	require.EqualValues(t, 600, v.Records)
	require.EqualValues(t, 600*200, v.Bytes)
}

// TestStopSaysHowFar: one whose time is over tells what it has read.
func TestStopSaysHowFar(t *testing.T) {
	l, ends := filled(t, 60)
	ends[0]++ // nobody will ever write it
	all := make(chan struct{})
	p, err := Start(self(t), Spec{Load: l.Config(), Consumers: 1, Group: "g", Ends: ends}, func() Counted {
		left := int64(60)
		return func(r, _ int64) {
			if left -= r; r > 0 && left == 0 {
				close(all)
			}
		}
	}())
	require.NoError(t, err)
	<-all
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Wait(over), context.Canceled)
	got, err := p.Stop()
	require.NoError(t, err)
	require.False(t, got.Through)
	require.Empty(t, got.Error)
	require.EqualValues(t, 60, got.Seen.Records)
	again, err := p.Stop()
	require.NoError(t, err)
	require.Equal(t, got, again)
}

func TestChildThatDies(t *testing.T) {
	t.Setenv(childEnv, "dies")
	p, err := Start(self(t), Spec{}, func(int64, int64) {})
	if err == nil { // it may have died before it was told what to read
		_, err = p.Stop()
	}
	require.ErrorContains(t, err, "ended without saying what it read")
	_, err = Start("/no/such/tide", Spec{}, nil)
	require.ErrorContains(t, err, "no such file")
}

func TestRunRefuses(t *testing.T) {
	require.ErrorContains(t, Run(t.Context(), strings.NewReader("{"), io.Discard, noDriver), "what to read")
	require.ErrorContains(t, Run(t.Context(), strings.NewReader("{}"), io.Discard, noDriver), "no broker address")
	require.ErrorContains(t, Run(t.Context(), strings.NewReader(`{"driver":"YQ=="}`), io.Discard, noDriver), "no driver here")
}

// TestEndsWithItsStarter: nobody holds its standard input any more.
func TestEndsWithItsStarter(t *testing.T) {
	l, ends := filled(t, 6)
	ends[0]++
	in, starter := io.Pipe()
	done := make(chan error)
	go func() { done <- Run(t.Context(), in, io.Discard, noDriver) }()
	what, err := Spec{Load: l.Config(), Consumers: 1, Ends: ends}.marshal()
	require.NoError(t, err)
	_, err = starter.Write(what)
	require.NoError(t, err)
	require.NoError(t, starter.Close())
	require.NoError(t, <-done)
}

func TestQuote(t *testing.T) {
	o := Outcome{CPU: 3 * time.Second}
	o.Seen.Bytes = 8 << 20
	got := map[string]float64{}
	o.Quote("catch-up", figures(got))
	require.Equal(t, map[string]float64{"catch-up read": 8, "catch-up consumers' CPU": 3}, got)
	o.First, o.Last = 5e9, 9e9
	o.Quote("catch-up", figures(got))
	require.Equal(t, 2.0, got["catch-up rate"])
	require.Equal(t, 4.0, got["catch-up time"])
}

type figures map[string]float64

func (f figures) Figure(name string, value float64, _ string) { f[name] = value }

// busyThreads that exist before the priority is lowered.
func busyThreads() {
	for range 8 {
		go func() {
			runtime.LockOSThread()
			select {}
		}()
	}
}
