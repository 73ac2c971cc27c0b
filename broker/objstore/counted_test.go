package objstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func TestCountedIsAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) objstore.Store { return objstore.Counted(mem.New()) })
}

func TestCounted(t *testing.T) {
	c, ctx := objstore.Counted(mem.New()), t.Context()
	require.NoError(t, c.Put(ctx, "a", objstore.Body{make([]byte, 70), make([]byte, 30)}))
	require.NoError(t, c.GetRange(ctx, "a", 10, make([]byte, 40)))
	require.Error(t, c.GetRange(ctx, "a", 90, make([]byte, 40)))
	require.Error(t, c.GetRange(ctx, "b", 0, make([]byte, 40)))
	_, err := c.Head(ctx, "a")
	require.NoError(t, err)
	require.NoError(t, c.List(ctx, "", func(objstore.Info) error { return nil }))
	require.NoError(t, c.Delete(ctx, "a"))
	want := map[string]objstore.OpStats{
		"put": {Requests: 1, Bytes: 100}, "get": {Requests: 3, Errors: 2, Bytes: 40},
		"head": {Requests: 1}, "list": {Requests: 1}, "delete": {Requests: 1},
	}
	for _, op := range objstore.Ops {
		require.Equal(t, want[op.String()], c.Stats(op), op)
	}
}
