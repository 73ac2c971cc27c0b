package fault_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) objstore.Store { return fault.Wrap(mem.New()) })
}

var x = objstore.Body{[]byte("x")}

func TestErrors(t *testing.T) {
	s, ctx := fault.Wrap(mem.New()), t.Context()
	boom := errors.New("boom")
	s.Set(fault.Rule{Op: objstore.OpPut, From: 2, Count: 1, Err: boom})
	s.Set(fault.Rule{Op: objstore.OpPut, From: 3, Err: fault.ErrInjected, After: true})
	s.Set(fault.Rule{Op: objstore.OpDelete, Match: func(k string) bool { return k == "a" }, Err: boom})
	s.Set(fault.Rule{Op: objstore.OpGet, Flip: true, Count: 1})

	require.NoError(t, s.Put(ctx, "a", x))
	require.ErrorIs(t, s.Put(ctx, "b", x), boom)
	require.ErrorIs(t, s.Put(ctx, "c", x), fault.ErrInjected)
	_, err := s.Head(ctx, "b")
	require.ErrorIs(t, err, objstore.ErrNotFound, "not carried out")
	_, err = s.Head(ctx, "c")
	require.NoError(t, err, "carried out although it failed")
	require.ErrorIs(t, s.Delete(ctx, "a"), boom)
	require.NoError(t, s.Delete(ctx, "c"))

	p := make([]byte, 1)
	require.NoError(t, s.GetRange(ctx, "a", 0, p))
	require.Equal(t, []byte{'x' ^ 1}, p)
	require.NoError(t, s.GetRange(ctx, "a", 0, p))
	require.Equal(t, []byte("x"), p)

	s.Clear()
	require.NoError(t, s.Put(ctx, "d", x))
}

func TestLatencyAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fault.Wrap(mem.New())
		s.Set(fault.Rule{Op: objstore.OpPut, Count: 1, Latency: 70 * time.Millisecond})
		s.Set(fault.Rule{Op: objstore.OpPut, Hang: true})
		start := time.Now()
		require.NoError(t, s.Put(t.Context(), "a", x))
		require.Equal(t, 70*time.Millisecond, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Put(ctx, "b", x), context.DeadlineExceeded)

		done := make(chan error)
		go func() { done <- s.Put(t.Context(), "c", x) }()
		synctest.Wait()
		s.Clear()
		require.NoError(t, <-done)
	})
}

// TestWholeStore: dead, overloaded and slow are rules for every operation, and
// a body can be cut.
func TestWholeStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := fault.Wrap(mem.New()), t.Context()
		require.NoError(t, s.Put(ctx, "a", objstore.Body{[]byte("abcd")}))
		each := map[string]func() error{
			"put":    func() error { return s.Put(ctx, "b", x) },
			"get":    func() error { return s.GetRange(ctx, "a", 0, make([]byte, 4)) },
			"head":   func() error { _, err := s.Head(ctx, "a"); return err },
			"list":   func() error { return s.List(ctx, "", func(objstore.Info) error { return nil }) },
			"delete": func() error { return s.Delete(ctx, "b") },
		}
		for _, want := range []error{fault.ErrInjected, objstore.ErrThrottled, nil} {
			s.Clear()
			s.SetAll(fault.Rule{Err: want, Latency: time.Minute})
			for name, call := range each {
				start := time.Now()
				require.ErrorIs(t, call(), want, name)
				require.Equal(t, time.Minute, time.Since(start), name)
			}
		}
		s.Clear()
		s.Set(fault.Rule{Op: objstore.OpGet, Cut: true})
		p := make([]byte, 4)
		require.ErrorIs(t, s.GetRange(ctx, "a", 0, p), io.ErrUnexpectedEOF)
		require.Equal(t, []byte("ab\x00\x00"), p)
	})
}

// TestCrash: what returned is there; what had not is there or not as told, no
// matter whether the inner store had it already.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := mem.New()
		s := fault.Wrap(inner)
		require.NoError(t, s.Put(t.Context(), "done", x))
		s.Set(fault.Rule{Op: objstore.OpPut, Hang: true})
		errs := make(chan error)
		for _, key := range []string{"kept", "lost", "done"} {
			go func() { errs <- s.Put(t.Context(), key, objstore.Body{[]byte("x")}) }()
		}
		synctest.Wait()
		crash := make(chan error)
		go func() { crash <- s.Crash(func(key string) bool { return key == "kept" }) }()
		for range 3 {
			require.ErrorIs(t, <-errs, fault.ErrCrashed)
		}
		require.NoError(t, <-crash)
		require.ErrorIs(t, s.Put(t.Context(), "late", x), fault.ErrCrashed)
		require.ErrorIs(t, s.GetRange(t.Context(), "done", 0, nil), fault.ErrCrashed)
		require.NoError(t, s.Close())

		var keys []string
		require.NoError(t, inner.List(t.Context(), "", func(i objstore.Info) error {
			keys = append(keys, i.Key)
			return nil
		}))
		require.Equal(t, []string{"done", "kept"}, keys)
	})
}

// TestSlots: several slots are one GET, and fail as one.
func TestSlots(t *testing.T) {
	s, ctx := fault.Wrap(mem.New()), t.Context()
	require.NoError(t, s.Put(ctx, "a", objstore.Body{[]byte("abcd")}))
	slots := []objstore.Slot{{Buf: make([]byte, 2), Size: 2}, {Buf: make([]byte, 2), Size: 2}}
	get := func() error { return objstore.GetSlots(ctx, s, "a", 0, slots) }
	s.Set(fault.Rule{Op: objstore.OpGet, Count: 1, Err: fault.ErrInjected})
	s.Set(fault.Rule{Op: objstore.OpGet, From: 2, Count: 1, Flip: true})
	s.Set(fault.Rule{Op: objstore.OpGet, From: 3, Count: 1, Cut: true})
	require.ErrorIs(t, get(), fault.ErrInjected)
	require.NoError(t, get())
	require.Equal(t, []byte{'a', 'b' ^ 1}, slots[0].Data())
	require.ErrorIs(t, get(), io.ErrUnexpectedEOF)
	require.NoError(t, get())
	require.Equal(t, "abcd", string(slots[0].Data())+string(slots[1].Data()))
	require.Equal(t, 1, objstore.SlotUnit(s))
}
