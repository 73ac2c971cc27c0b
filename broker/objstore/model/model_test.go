package model_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/model"
	"github.com/tidelog/tide/broker/objstore/storetest"
	"github.com/tidelog/tide/internal/storetime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mib = 1 << 20

func wrap(t *testing.T, cfg model.Config) *model.Store {
	s, err := model.Wrap(mem.New(), cfg)
	require.NoError(t, err)
	return s
}

// TestStore: the suite passes with the time of S3 Express, with 503s, and in
// parts. It runs in virtual time.
func TestStore(t *testing.T) {
	express, err := storetime.Preset("s3-express")
	require.NoError(t, err)
	unlucky := express
	unlucky.SlowDown = 0.02
	for name, cfg := range map[string]model.Config{
		"express":   {Service: express},
		"unlucky":   {Service: unlucky, Attempts: 20, Seed: 1},
		"parts":     {Service: express, Part: 4096},
		"one place": {Service: express, Part: mib, Reads: 1, Writes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.RunVirtual(t, func(t *testing.T) objstore.Store { return wrap(t, cfg) })
		})
	}
}

var plain = storetime.Service{
	Get: storetime.Latency{P50: 30 * time.Millisecond, P99: 30 * time.Millisecond},
	Put: storetime.Latency{P50: 60 * time.Millisecond, P99: 60 * time.Millisecond}, Bandwidth: 100 * mib,
}

// TestTimes: a request takes its latency and its bytes' time on a connection
// of its own; parts travel side by side.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, model.Config{Service: plain})
		took := func(do func() error) time.Duration {
			start := time.Now()
			require.NoError(t, do())
			return time.Since(start).Round(time.Microsecond)
		}
		ctx := t.Context()
		ms := time.Millisecond
		require.Equal(t, 60*ms+100*ms, took(func() error { return s.Put(ctx, "a", objstore.Body{make([]byte, 10*mib)}) }))
		require.Equal(t, 30*ms+50*ms, took(func() error { return s.GetRange(ctx, "a", 0, make([]byte, 5*mib)) }))
		require.Equal(t, 30*ms, took(func() error { _, err := s.Head(ctx, "a"); return err }))
		require.Equal(t, 60*ms, took(func() error { return s.Delete(ctx, "a") }))
		require.Equal(t, (60+60+320+60)*ms, took(func() error { return s.Put(ctx, "b", objstore.Body{make([]byte, 100*mib)}) }),
			"create, four parts at once, complete")
		require.Zero(t, s.Late())
		require.Equal(t, objstore.AttemptStats{Op: "part", Attempts: 4}, stats(s, "part"))
		require.NoError(t, s.Close())
	})
}

func stats(s *model.Store, op string) objstore.AttemptStats {
	all := s.AttemptStats()
	return all[slices.IndexFunc(all, func(a objstore.AttemptStats) bool { return a.Op == op })]
}

// TestThrottled: what is always answered 503 fails after its attempts, which
// are counted, and leaves nothing behind.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, model.Config{Service: storetime.Service{SlowDown: 1}, Attempts: 3})
		require.ErrorIs(t, s.Put(t.Context(), "a", objstore.Body{{1}}), objstore.ErrThrottled)
		require.Equal(t, objstore.AttemptStats{Op: "put", Attempts: 3, Retries: 2, Throttles: 3}, stats(s, "put"))
		inner, ok := objstore.As[*mem.Store](s)
		require.True(t, ok)
		_, err := inner.Head(t.Context(), "a")
		require.ErrorIs(t, err, objstore.ErrNotFound)
	})
}

// TestCatchUp: so many readers on so many connections get what the arithmetic
// promises, whichever order they run in.
func TestCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, model.Config{Service: plain, Reads: 8})
		require.NoError(t, s.Put(t.Context(), "a", objstore.Body{make([]byte, mib)}))
		start, done := time.Now(), make(chan error)
		for range 64 {
			go func() { done <- s.GetRange(t.Context(), "a", 0, make([]byte, mib)) }()
		}
		for range 64 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 8*40*time.Millisecond, time.Since(start).Round(time.Microsecond))
	})
}

// TestSaysSo: results must be able to say what was simulated.
func TestSaysSo(t *testing.T) {
	service, err := storetime.Preset("s3-standard")
	require.NoError(t, err)
	s, ok := objstore.As[objstore.Simulated](objstore.Counted(wrap(t, model.Config{Service: service, Seed: 5})))
	require.True(t, ok)
	for _, want := range []string{"s3-standard", "guesses", "p99 150ms", "80MiB/s", "seed 5"} {
		require.Contains(t, s.Simulated(), want)
	}
	_, err = storetime.Preset("s4")
	require.ErrorContains(t, err, "s3-express, s3-standard")
	bad := storetime.Service{Name: "x", Get: storetime.Latency{P50: 2, P99: 1}, Gets: -1, SlowDown: 2}.Validate()
	for _, want := range []string{"GET p50", "negative", "from 0 to 1"} {
		require.ErrorContains(t, bad, want)
	}
}

// TestList: a page of a thousand is a request.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, model.Config{})
		for i := range 2500 {
			require.NoError(t, s.Put(t.Context(), strconv.Itoa(i), nil))
		}
		n := 0
		require.NoError(t, s.List(t.Context(), "", func(objstore.Info) error { n++; return nil }))
		require.Equal(t, "2500 3", fmt.Sprint(n, stats(s, "list").Attempts))
	})
}
