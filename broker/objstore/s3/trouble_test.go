package s3_test

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/s3"
)

// TestRetries: 503s and bodies that are cut off are repeated by the SDK's
// retryer, and every attempt is counted.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := open(t, f)
		require.NoError(t, s.Put(t.Context(), "k", body(100_000, 1)))
		slow, cut := 2, 1
		var asked []string
		f.script = func(w http.ResponseWriter, r *http.Request, op string) bool {
			asked = append(asked, r.Header.Get("Range"))
			switch {
			case op == "GetObject" && cut > 0:
				cut--
				w.Header().Set("Content-Range", "bytes 0-99999/100000")
				w.Header().Set("Content-Length", "100000")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(body(100_000, 1)[0][:50_000])
				panic(http.ErrAbortHandler)
			case slow > 0:
				slow--
				refuse(w, r, 503, "SlowDown")
				return true
			}
			return false
		}
		got := make([]byte, 100_100)
		require.NoError(t, s.GetSlots(t.Context(), "k", 0, []objstore.Slot{
			{Buf: got, Size: 30_000}, {Buf: got[30_000:], Size: 0}, {Buf: got[29_900:], Head: 100, Size: 60_000}, {Buf: got[90_000:], Size: 10_000},
		}), "the body is cut off in the midst of a slot")
		require.Equal(t, body(100_000, 1)[0], got[:100_000])
		require.Equal(t, make([]byte, 100), got[100_000:])
		require.Equal(t, objstore.AttemptStats{Op: "get", Attempts: 4, Retries: 3, Throttles: 2}, attempts(s, "get"))
		require.Equal(t, "bytes=0-99999", asked[0])
		require.NotEqual(t, asked[0], asked[3], "only what is missing is asked for again")

		slow = 100
		err := s.Put(t.Context(), "l", body(10, 1))
		require.ErrorIs(t, err, objstore.ErrThrottled)
		require.Equal(t, objstore.AttemptStats{Op: "put", Attempts: 6, Retries: 4, Throttles: 5}, attempts(s, "put"))
	})
}

// TestConflicts: what only another request at the same moment causes is
// repeated, and named when it does not end.
func TestConflicts(t *testing.T) {
	for _, code := range []string{"ConditionalRequestConflict", "ExistingObjectIsDirectory"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			s := open(t, f)
			left := 2
			f.script = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				left--
				if left >= 0 {
					refuse(w, r, 409, code)
				}
				return left >= 0
			}
			require.NoError(t, s.Put(t.Context(), "k", body(10, 1)))
			require.Equal(t, objstore.AttemptStats{Op: "put", Attempts: 3, Retries: 2}, attempts(s, "put"))
			left = 100
			require.ErrorContains(t, s.Put(t.Context(), "l", body(10, 1)), code)
			require.Equal(t, 95, left, "as often as cfg.Attempts has it")
		})
	}
}

// TestHiddenRetries: net/http sends a GET again on a new connection when the
// server has closed the old one. That is an attempt, too.
func TestHiddenRetries(t *testing.T) {
	f := newFake()
	s := open(t, f)
	require.NoError(t, s.Put(t.Context(), "k", body(10, 1)))
	var drop atomic.Int64
	f.script = func(w http.ResponseWriter, _ *http.Request, op string) bool {
		if op == "GetObject" && drop.Add(-1) == 0 {
			panic(http.ErrAbortHandler) // before a byte of the answer: like an idle connection that ends
		}
		return false
	}
	require.NoError(t, s.GetRange(t.Context(), "k", 0, make([]byte, 10)))
	drop.Store(1)
	require.NoError(t, s.GetRange(t.Context(), "k", 0, make([]byte, 10)))
	require.EqualValues(t, f.did("GetObject"), attempts(s, "get").Attempts)
	require.EqualValues(t, 1, attempts(s, "get").Retries)
}

// TestBlackHole: a server that swallows everything costs attempts that stall
// and then the call its deadline, for every operation.
func TestBlackHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := newFake(), make(chan struct{})
		defer close(release)
		f.script = func(http.ResponseWriter, *http.Request, string) bool {
			<-release
			panic(http.ErrAbortHandler)
		}
		s := open(t, f, func(c *s3.Config) {
			withPart(c)
			c.Deadline, c.Stall, c.Attempts = 30*time.Second, 8*time.Second, 100
		})
		for name, call := range map[string]func() error{
			"get":    func() error { return s.GetRange(t.Context(), "k", 0, make([]byte, 10)) },
			"head":   func() error { _, err := s.Head(t.Context(), "k"); return err },
			"list":   func() error { return s.List(t.Context(), "", nil) },
			"delete": func() error { return s.Delete(t.Context(), "k") },
			"put":    func() error { return s.Put(t.Context(), "k", body(3*mib, 1)) },
			"create": func() error { return s.Put(t.Context(), "k", body(6*mib, 1)) },
		} {
			start := time.Now()
			err := call()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			require.ErrorContains(t, err, "no end within 30s", name)
			require.Equal(t, 30*time.Second, time.Since(start), name)
			require.GreaterOrEqual(t, attempts(s, name).Retries, int64(1), name)
		}
		reads, writes := s.Gates()
		require.Zero(t, reads.InUse+writes.InUse)
	})
}

// TestSidesAreApart: writes that fill their places and hang take nothing from
// reads, nor the other way round.
func TestSidesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := open(t, f, func(c *s3.Config) { c.Reads, c.Writes = 2, 2 })
		require.NoError(t, s.Put(t.Context(), "k", body(10, 1)))
		for hang, free := range map[string]func() error{
			"PutObject": func() error { return s.GetRange(t.Context(), "k", 0, make([]byte, 10)) },
			"GetObject": func() error { return s.Put(t.Context(), "k", body(10, 1)) },
		} {
			release := make(chan struct{})
			f.script = func(_ http.ResponseWriter, _ *http.Request, op string) bool {
				if op == hang {
					<-release
				}
				return false
			}
			done := make(chan error, 4)
			for i := range 4 {
				go func() {
					if hang == "PutObject" {
						done <- s.Put(t.Context(), strconv.Itoa(i), body(10, 1))
					} else {
						done <- s.GetRange(t.Context(), "k", 0, make([]byte, 10))
					}
				}()
			}
			synctest.Wait()
			reads, writes := s.Gates()
			require.Equal(t, 2, max(reads.Waiting, writes.Waiting), hang)
			if hang == "PutObject" {
				require.NoError(t, free())
			} else {
				require.NoError(t, s.Delete(t.Context(), "none"), hang)
			}
			close(release)
			for range 4 {
				require.NoError(t, <-done)
			}
		}
	})
}

// TestPace: a Put asks before each piece, and the time it waits is not held
// against its deadline.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newFake(), withPart)
		var asked atomic.Int64
		ctx := objstore.WithPacer(t.Context(), func(_ context.Context, n int) error {
			asked.Add(int64(n))
			time.Sleep(45 * time.Second) // more than the stall of one attempt, and two more than a deadline
			return nil
		})
		start := time.Now()
		require.NoError(t, s.Put(ctx, "k", body(12*mib+7, 1)))
		require.EqualValues(t, 12*mib+7, asked.Load())
		require.Equal(t, 5*45*time.Second, time.Since(start), "three parts side by side, the longest of five pieces")
		require.Zero(t, attempts(s, "part").Retries)
	})
}

// TestCloseEndsCalls: a call that hangs ends with ErrClosed.
func TestCloseEndsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := newFake(), make(chan struct{})
		defer close(release)
		f.script = func(http.ResponseWriter, *http.Request, string) bool {
			<-release
			return true
		}
		s := open(t, f)
		done := make(chan error)
		go func() { done <- s.GetRange(t.Context(), "k", 0, make([]byte, 1)) }()
		synctest.Wait()
		go func() { _ = s.Close() }()
		require.ErrorIs(t, <-done, objstore.ErrClosed)
	})
}
