// Package storetest is the acceptance suite of objstore.Store: what the broker
// relies on, whichever store is behind it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/arena"
)

// suite is every test by its name.
var suite = map[string]func(*testing.T, objstore.Store){
	"RoundTrip":   roundTrip,
	"Ranges":      ranges,
	"Slots":       slots,
	"Missing":     missing,
	"Repeat":      repeat,
	"List":        list,
	"BadKeys":     badKeys,
	"Cancelled":   cancelled,
	"Whole":       whole,
	"Independent": independent,
	"Closed":      closed,
}

// Run runs the suite. open returns an empty store each time; it is closed by
// the suite.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	for name, test := range suite {
		t.Run(name, func(t *testing.T) { one(t, open, test) })
	}
}

// RunVirtual is Run inside of testing/synctest, for stores that take time.
func RunVirtual(t *testing.T, open func(t *testing.T) objstore.Store) {
	for name, test := range suite {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { one(t, open, test) })
		})
	}
}

func one(t *testing.T, open func(t *testing.T) objstore.Store, test func(*testing.T, objstore.Store)) {
	s := open(t)
	test(t, s)
	require.NoError(t, s.Close())
}

// Content is n bytes that depend on the seed and on their position.
func Content(n, seed int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*31 + i>>8 + seed)
	}
	return p
}

func put(t *testing.T, s objstore.Store, key string, pieces ...[]byte) {
	require.NoError(t, s.Put(t.Context(), key, pieces), key)
}

func get(t *testing.T, s objstore.Store, key string, n int) []byte {
	p := make([]byte, n)
	require.NoError(t, s.GetRange(t.Context(), key, 0, p), key)
	return p
}

// roundTrip: every size around the units that stores write in, in one piece
// and in many, comes back as it was.
func roundTrip(t *testing.T, s objstore.Store) {
	for i, size := range []int{0, 1, 4095, 4096, 4097, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 12345} {
		all := Content(size, i)
		keys := []string{fmt.Sprintf("one/%d", size), fmt.Sprintf("many/%d", size)}
		put(t, s, keys[0], all)
		put(t, s, keys[1], slices.Collect(slices.Chunk(all, 50021))...)
		for _, key := range keys {
			info, err := s.Head(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, objstore.Info{Key: key, Size: int64(size)}, info)
			require.True(t, bytes.Equal(all, get(t, s, key, size)), key)
			require.NoError(t, s.Delete(t.Context(), key))
			_, err = s.Head(t.Context(), key)
			require.ErrorIs(t, err, objstore.ErrNotFound)
		}
	}
}

func ranges(t *testing.T, s objstore.Store) {
	all := Content(10000, 1)
	put(t, s, "a/b/1", all)
	for _, r := range []struct{ pos, n int }{{0, 1}, {0, 10000}, {4096, 4096}, {9999, 1}, {4095, 2}, {10000, 0}, {0, 0}} {
		p := make([]byte, r.n)
		require.NoError(t, s.GetRange(t.Context(), "a/b/1", int64(r.pos), p), "%+v", r)
		require.Equal(t, all[r.pos:r.pos+r.n], p)
	}
	for _, r := range []struct {
		pos int64
		n   int
	}{{0, 10001}, {9999, 2}, {10000, 1}, {-1, 1}, {1 << 62, 1}, {10001, 0}} {
		require.ErrorIs(t, s.GetRange(t.Context(), "a/b/1", r.pos, make([]byte, r.n)), objstore.ErrRange, "%+v", r)
	}
}

// slots: adjacent ranges land where they belong, aligned as the store likes it
// or not, and nothing is written outside of the slots.
func slots(t *testing.T, s objstore.Store) {
	all := Content(3<<20+777, 1)
	put(t, s, "a/b/1", all)
	unit := objstore.SlotUnit(s)
	for _, sizes := range [][]int{{1}, {4096}, {10000}, {1, 1, 5000}, {1 << 20, 70000, 333}, {3<<20 + 777}} {
		for _, pos := range []int{0, 1, 511, 4096, 9000} {
			total := 0
			for _, n := range sizes {
				total += n
			}
			if pos+total > len(all) {
				pos = len(all) - total
			}
			for _, head := range []int{pos % unit, 3} { // as it likes it, and not
				requireSlots(t, s, all, pos, head, sizes)
			}
		}
	}
	one := []objstore.Slot{{Buf: make([]byte, 8192), Size: 100}}
	require.ErrorIs(t, objstore.GetSlots(t.Context(), s, "a/b/1", int64(len(all)-99), one), objstore.ErrRange)
	require.ErrorIs(t, objstore.GetSlots(t.Context(), s, "a/b/1", -1, one), objstore.ErrRange)
	require.ErrorIs(t, objstore.GetSlots(t.Context(), s, "nothing", 0, one), objstore.ErrNotFound)
}

func requireSlots(t *testing.T, s objstore.Store, all []byte, pos, head int, sizes []int) {
	const guard = 4096
	unit := objstore.SlotUnit(s)
	var slots []objstore.Slot
	var arenas [][]byte
	for i, n := range sizes {
		if i > 0 {
			head = (head + sizes[i-1]) % unit
		}
		room := align.Up(head+n, unit)
		a, err := arena.Map(room + guard)
		require.NoError(t, err)
		defer func() { require.NoError(t, arena.Unmap(a)) }()
		arenas = append(arenas, a)
		slots = append(slots, objstore.Slot{Buf: a[:room], Head: head, Size: n})
	}
	require.NoError(t, objstore.GetSlots(t.Context(), s, "a/b/1", int64(pos), slots))
	for i, slot := range slots {
		require.True(t, bytes.Equal(all[pos:pos+slot.Size], slot.Data()), "%d of %v at %d", i, sizes, pos)
		require.True(t, bytes.Equal(make([]byte, guard), arenas[i][len(slot.Buf):]), "behind slot %d of %v", i, sizes)
		pos += slot.Size
	}
}

func missing(t *testing.T, s objstore.Store) {
	ctx := t.Context()
	put(t, s, "dir/object", []byte("x"))
	for _, key := range []string{"nothing", "dir", "dir/nothing", "no/such/place"} {
		require.ErrorIs(t, s.GetRange(ctx, key, 0, make([]byte, 1)), objstore.ErrNotFound, key)
		require.ErrorContains(t, s.GetRange(ctx, key, 0, make([]byte, 1)), key, "the key is named")
		_, err := s.Head(ctx, key)
		require.ErrorIs(t, err, objstore.ErrNotFound, key)
		require.NoError(t, s.Delete(ctx, key), key)
	}
	get(t, s, "dir/object", 1)
}

// repeat: the same Put again succeeds; other bytes under a key that is taken
// are refused and change nothing; after a Delete the key is free.
func repeat(t *testing.T, s objstore.Store) {
	a, b, longer := Content(5000, 1), Content(5000, 2), Content(5001, 1)
	put(t, s, "k/1", a)
	put(t, s, "k/1", a[:100], a[100:])
	require.ErrorIs(t, s.Put(t.Context(), "k/1", objstore.Body{b}), objstore.ErrExists)
	require.ErrorIs(t, s.Put(t.Context(), "k/1", objstore.Body{longer}), objstore.ErrExists)
	require.Equal(t, a, get(t, s, "k/1", 5000))
	require.NoError(t, s.Delete(t.Context(), "k/1"))
	put(t, s, "k/1", b)
	require.Equal(t, b, get(t, s, "k/1", 5000))
}

// list: in the order of the keys' bytes, in which '-' and '.' come before '/'.
func list(t *testing.T, s objstore.Store) {
	keys := []string{"a-b", "a.c", "a/b", "a/b-c", "a/c/d", "a0", "b/1", "b/10", "b/2"}
	for i, k := range keys {
		put(t, s, k, Content(i, 0))
	}
	names := func(prefix string) []string {
		var out []string
		require.NoError(t, s.List(t.Context(), prefix, func(i objstore.Info) error {
			require.Equal(t, int64(slices.Index(keys, i.Key)), i.Size)
			out = append(out, i.Key)
			return nil
		}))
		return out
	}
	require.Equal(t, keys, names(""))
	require.Equal(t, []string{"a/b", "a/b-c", "a/c/d"}, names("a/"))
	require.Equal(t, []string{"a/b", "a/b-c"}, names("a/b"))
	require.Equal(t, []string{"b/1", "b/10"}, names("b/1"))
	require.Empty(t, names("c"))

	enough, seen := errors.New("enough"), 0
	require.ErrorIs(t, s.List(t.Context(), "", func(objstore.Info) error {
		seen++
		return enough
	}), enough)
	require.Equal(t, 1, seen)
}

func badKeys(t *testing.T, s objstore.Store) {
	ctx := t.Context()
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../../b", "./a", strings.Repeat("x", 2000), "a\x00b"} {
		require.ErrorIs(t, s.Put(ctx, key, objstore.Body{[]byte("x")}), objstore.ErrKey, "%q", key)
		require.ErrorIs(t, s.GetRange(ctx, key, 0, nil), objstore.ErrKey, "%q", key)
		_, err := s.Head(ctx, key)
		require.ErrorIs(t, err, objstore.ErrKey, "%q", key)
		require.ErrorIs(t, s.Delete(ctx, key), objstore.ErrKey, "%q", key)
	}
}

func cancelled(t *testing.T, s objstore.Store) {
	put(t, s, "k", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(ctx, "other", objstore.Body{[]byte("x")}), context.Canceled)
	require.ErrorIs(t, s.GetRange(ctx, "k", 0, make([]byte, 1)), context.Canceled)
	_, err := s.Head(ctx, "k")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.List(ctx, "", func(objstore.Info) error { return nil }), context.Canceled)
	require.ErrorIs(t, s.Delete(ctx, "k"), context.Canceled)
	get(t, s, "k", 1)
	_, err = s.Head(t.Context(), "other")
	require.ErrorIs(t, err, objstore.ErrNotFound)
}

// whole: a reader that looks while objects come and go sees all of one or
// nothing of it, and deleting neighbours disturbs nobody.
func whole(t *testing.T, s objstore.Store) {
	const objects, size = 8, 300_000
	var wg sync.WaitGroup
	for i := range objects {
		key, all := fmt.Sprintf("%d/ns/x", i%2*10+i/2), Content(size, i)
		wg.Go(func() {
			for range 5 {
				if err := s.Put(t.Context(), key, objstore.Body{all[:1000], all[1000:]}); err != nil {
					t.Errorf("put %s: %v", key, err)
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Errorf("delete %s: %v", key, err)
				}
			}
		})
		wg.Go(func() {
			p := make([]byte, size)
			for range 50 {
				err := s.GetRange(t.Context(), key, 0, p)
				if err == nil && !bytes.Equal(p, all) || err != nil && !errors.Is(err, objstore.ErrNotFound) {
					t.Errorf("get %s: %v", key, err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.List(t.Context(), "", func(i objstore.Info) error { return fmt.Errorf("%s is left", i.Key) }))
}

// independent: the store keeps no hold on the caller's bytes once Put has
// returned, nor gives its own away.
func independent(t *testing.T, s objstore.Store) {
	all := Content(8192, 3)
	want := bytes.Clone(all)
	put(t, s, "k", all)
	clear(all)
	clear(get(t, s, "k", 8192))
	require.Equal(t, want, get(t, s, "k", 8192))
}

func closed(t *testing.T, s objstore.Store) {
	ctx := t.Context()
	put(t, s, "k", []byte("x"))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Put(ctx, "l", objstore.Body{[]byte("x")}), objstore.ErrClosed)
	require.ErrorIs(t, s.GetRange(ctx, "k", 0, make([]byte, 1)), objstore.ErrClosed)
	_, err := s.Head(ctx, "k")
	require.ErrorIs(t, err, objstore.ErrClosed)
	require.ErrorIs(t, s.List(ctx, "", func(objstore.Info) error { return nil }), objstore.ErrClosed)
	require.ErrorIs(t, s.Delete(ctx, "k"), objstore.ErrClosed)
}
