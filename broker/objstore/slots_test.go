package objstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

// TestSlotsAreOneRequest: a store that knows nothing of slots is asked once.
func TestSlotsAreOneRequest(t *testing.T) {
	inner := objstore.Counted(mem.New())
	outer := objstore.Counted(inner)
	all := storetest.Content(1000, 1)
	require.NoError(t, outer.Put(t.Context(), "a", objstore.Body{all}))
	slots := []objstore.Slot{
		{Buf: make([]byte, 300), Head: 100, Size: 200},
		{Buf: make([]byte, 50), Size: 50},
	}
	require.NoError(t, outer.GetSlots(t.Context(), "a", 10, slots))
	require.Equal(t, all[10:210], slots[0].Data())
	require.Equal(t, all[210:260], slots[1].Data())
	for _, c := range []*objstore.CountedStore{inner, outer} {
		require.Equal(t, objstore.OpStats{Requests: 1, Bytes: 250}, c.Stats(objstore.OpGet))
	}
	require.Equal(t, 1, objstore.SlotUnit(outer))
}
