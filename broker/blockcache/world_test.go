package blockcache_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/broker/objstore/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a store with objects, seen through a counter and a fault wrapper.
type world struct {
	fault   *fault.Store
	store   *objstore.CountedStore
	objects []made
}

// made is an object and what its blocks are.
type made struct {
	ref   blockcache.ObjectRef
	index object.Index
	bytes []byte
}

// ctxOf is the context of a test, or of a rapid check.
func ctxOf(t require.TestingT) context.Context {
	return t.(interface{ Context() context.Context }).Context()
}

// newWorld puts objects with streams 1 … streams, blocks blocks of each, every
// block one batch of payload bytes. A stream goes on from object to object.
func newWorld(t require.TestingT, objects, streams, blocks, payload int) *world {
	f := fault.Wrap(mem.New())
	w := &world{fault: f, store: objstore.Counted(f)}
	for id := range objects {
		ow := object.NewWriter(1)
		for s := range streams {
			for b := range blocks {
				require.NoError(t, ow.Add(object.AppendBatch(nil, object.RecordBatch{
					StreamID: int64(s + 1), BaseOffset: int64(id*blocks+b) * 10, Count: 10,
					Payload: bytes.Repeat([]byte{byte(id), byte(s), byte(b), 9}, payload/4),
				})))
			}
		}
		l, err := ow.Finish()
		require.NoError(t, err)
		key := object.Key("test", int64(id))
		require.NoError(t, w.store.Put(ctxOf(t), key, l.Body))
		w.objects = append(w.objects, made{
			ref:   blockcache.ObjectRef{ID: int64(id), Key: key, Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength},
			index: l.Entries, bytes: bytes.Join(l.Body, nil),
		})
	}
	return w
}

func (w *world) gets() int64 { return w.store.Stats(objstore.OpGet).Requests }

func (w *world) open(t testing.TB, cfg blockcache.Config) *blockcache.Cache {
	cfg.Store = w.store
	c, err := blockcache.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// request asks for block n of object o.
func (w *world) request(o, n int) blockcache.Request {
	return blockcache.Request{Object: w.objects[o].ref, Entry: w.objects[o].index[n]}
}

// want is what that block must be.
func (w *world) want(o, n int) []byte {
	e := w.objects[o].index[n]
	return w.objects[o].bytes[e.Position : e.Position+int64(e.Size)]
}

// read gets block n of object o, compares it and releases it.
func (w *world) read(t testing.TB, c *blockcache.Cache, o, n int) {
	b, err := c.Get(t.Context(), w.request(o, n))
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.want(o, n), b.Bytes()), "object %d, block %d", o, n)
	b.Release()
}

func refs(w *world, from int) []blockcache.ObjectRef {
	var out []blockcache.ObjectRef
	for _, o := range w.objects[min(from, len(w.objects)):] {
		out = append(out, o.ref)
	}
	return out
}
