package wal

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/iopath/mem"
)

func someHeader(t *rapid.T) Header {
	return Header{
		Capacity:   rapid.Int64Range(ringStart+blockSize, maxCapacity).Draw(t, "capacity"),
		TrimOffset: Offset(rapid.Int64Range(-1, int64(maxOffset)).Draw(t, "trim")),
		Version:    rapid.Int64().Draw(t, "version"),
		WindowMax:  rapid.Int64Range(0, maxCapacity).Draw(t, "window"),
		Clean:      rapid.Bool().Draw(t, "clean"),
		NodeID:     rapid.Int32().Draw(t, "node"),
		NodeEpoch:  rapid.Int64().Draw(t, "epoch"),
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := someHeader(t)
		raw := bytes.Repeat([]byte{0xee}, blockSize)
		h.encode(raw)
		got, ok := decodeHeader(raw)
		if !ok || got != h || !allZero(raw[headerLength:]) {
			t.Fatalf("%+v became %+v, %t", h, got, ok)
		}
		raw[rapid.IntRange(0, headerLength-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 127).Draw(t, "flip"))
		if got, ok := decodeHeader(raw); ok {
			t.Fatalf("a flipped bit went unseen: %+v", got)
		}
	})
}

func TestHeaderBytes(t *testing.T) {
	raw := make([]byte, blockSize)
	Header{Capacity: 1 << 20, TrimOffset: -1, Version: 2, WindowMax: 3, NodeID: 7, NodeEpoch: 99}.encode(raw)
	require.Equal(t, []byte{
		0x01, 0x23, 0x45, 0x67, // magic
		0, 0, 0, 0, 0, 0x10, 0, 0, // capacity
		255, 255, 255, 255, 255, 255, 255, 255, // trim
		0, 0, 0, 0, 0, 0, 0, 2, // version
		0, 0, 0, 0, 0, 0, 0, 3, // windowMax
		0, 0, 0, 1, // not clean
		0, 0, 0, 7, // node
		0, 0, 0, 0, 0, 0, 0, 99, // epoch
	}, raw[:52])
}

// A write goes to the slot that does not hold the newest header, and versions
// grow even when the clock goes back.
func TestHeaderSlotsTakeTurns(t *testing.T) { synctest.Test(t, testHeaderSlotsTakeTurns) }

func testHeaderSlotsTakeTurns(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	now := int64(5000)
	w, _ := startMem(t, dev, 1, func(c *Config) { c.Clock = func() int64 { now -= 100; return now } })
	slot := func(i int) Header {
		h, ok := decodeHeader(dev.Bytes()[i*blockSize:])
		require.True(t, ok)
		return h
	}
	require.EqualValues(t, 4900, slot(0).Version)
	var offs [3]Offset
	for i := range offs {
		offs[i] = put(t, w, []byte("x"))
		require.NoError(t, w.Trim(offs[i]))
		awaitHeader(t, w)
		newest := slot(1 - i%2)
		require.EqualValues(t, 4901+i, newest.Version)
		require.Equal(t, offs[i], newest.TrimOffset)
	}
	require.Equal(t, offs[1], slot(0).TrimOffset)
	require.NoError(t, w.Trim(offs[0]), "backwards: nothing to do")
	require.Error(t, w.Trim(offs[2]+1), "not a record of ours")

	dev.Bytes()[blockSize+20] ^= 1 // the newest slot rots: the other one counts
	w, _ = openMem(t, dev, 1, nil)
	h, found := w.Header()
	require.True(t, found)
	require.Equal(t, offs[1], h.TrimOffset)
}

func TestCheckOwner(t *testing.T) {
	for _, c := range []struct {
		name           string
		node           int32 // in the header; 0: no header
		epoch          int64
		opened, closed int64
		want           string // in the error; empty: accepted
	}{
		{"first start, empty volume", 0, 0, 0, 0, ""},
		{"first start, reset before WALOpened", 7, 1, 0, 0, ""},
		{"restart", 7, 3, 3, 2, ""},
		{"reset, crash before WALOpened", 7, 4, 3, 0, ""},
		{"empty volume mounted", 0, 0, 3, 2, "looked for epoch 3 of node 7, found no valid header"},
		{"an older volume", 7, 2, 3, 1, "looked for epoch 3 of node 7, found epoch 2"},
		{"empty volume after a clean close", 0, 0, 3, 3, ""},
		{"an older volume after a clean close", 7, 1, 3, 3, ""},
		{"another node's", 8, 3, 3, 2, "written by node 8, this is node 7"},
		{"another node's, first start", 8, 3, 0, 0, "written by node 8"},
		{"another node's, after a clean close", 8, 3, 3, 3, "written by node 8"},
	} {
		err := CheckOwner(Header{NodeID: c.node, NodeEpoch: c.epoch}, c.node != 0, 7, c.opened, c.closed)
		if c.want == "" {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorIs(t, err, ErrForeign, c.name)
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func FuzzDecodeHeader(f *testing.F) {
	raw := make([]byte, blockSize)
	Header{Capacity: 1 << 20, TrimOffset: 4095, Version: 2, WindowMax: 3, NodeID: 7}.encode(raw)
	f.Add(raw[:headerLength])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, ok := decodeHeader(raw)
		if ok && (h.ring() < blockSize || h.TrimOffset > maxOffset) {
			t.Fatalf("accepted %+v", h)
		}
	})
}
