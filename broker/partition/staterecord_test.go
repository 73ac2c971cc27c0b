package partition

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidelog/tide/broker/object"
)

// someState has one of everything.
func someState() *foldState {
	s := newFoldState()
	s.advance(Header{ProducerID: 9, ProducerEpoch: 2, BaseSequence: 5, BaseOffset: 40, Count: 2, LastOffsetDelta: 1, MaxTimestamp: 1000}, 3)
	s.advance(Header{ProducerID: -1, BaseOffset: 42, Count: 1, MaxTimestamp: 900}, 4)
	return s
}

// TestStateRecordGolden pins the bytes: brokers of this version read records
// that earlier ones have committed.
func TestStateRecordGolden(t *testing.T) {
	const want = "54505331" + "01" + "000000000000002b" + "000000000000002b" +
		"02" + "0650" + "0854" + // epochs 3@40 and 4@42
		"01" + "090201" + "0501" + "50" + "d00f" // producer 9, epoch 2, one batch: 5, 2 records, @40, 1000 ms
	got := someState().Encode()
	require.Equal(t, want, hex.EncodeToString(got[:len(got)-4]))
	require.Equal(t, crc32.Checksum(got[:len(got)-4], crc32.MakeTable(crc32.Castagnoli)), binary.BigEndian.Uint32(got[len(got)-4:]))
}

func TestStateRecordDamage(t *testing.T) {
	good := someState().Encode()
	for at := range good {
		b := bytes.Clone(good)
		b[at] ^= 1
		_, err := Folder{}.Load(1, b)
		require.ErrorIs(t, err, ErrState, "byte %d", at)
		_, err = Folder{}.Load(1, good[:at])
		if at > 0 {
			require.ErrorIs(t, err, ErrState, "cut at %d", at)
		}
	}
}

func TestMaxTimestampStartsAgain(t *testing.T) {
	s := someState()
	require.EqualValues(t, 1000, s.MaxTimestamp())
	require.EqualValues(t, -1, s.MaxTimestamp())
}

// TestApplyRefuses: a batch that does not fit its entry, or that was there
// already, is a fault of the caller and changes nothing.
func TestApplyRefuses(t *testing.T) {
	payload := plain(2).build(t)
	patch(payload, 50, 0)
	good := object.RecordBatch{StreamID: 1, BaseOffset: 50, Count: 2, Payload: payload}
	s := someState()
	before := s.Encode()
	for _, b := range []object.RecordBatch{
		{StreamID: 1, BaseOffset: 51, Count: 2, Payload: payload},
		{StreamID: 1, BaseOffset: 50, Count: 3, Payload: payload},
		{StreamID: 1, BaseOffset: 50, Count: 2, Payload: payload[:20]},
	} {
		require.Error(t, s.Apply(b))
	}
	require.Equal(t, before, s.Encode())
	require.NoError(t, s.Apply(good), "a gap is a loss that was accepted")
	require.Error(t, s.Apply(good))
}

// FuzzState: no record makes the decoder panic or hang, and what it accepts it
// encodes to the same bytes again, or to ones that mean the same.
func FuzzState(f *testing.F) {
	f.Add(someState().Encode())
	f.Add(newFoldState().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > stateCRC { // else the CRC stops everything
			binary.BigEndian.PutUint32(b[len(b)-stateCRC:], crc32.Checksum(b[:len(b)-stateCRC], castagnoli))
		}
		s, err := loadState(b)
		if err != nil {
			return
		}
		again, err := loadState(s.Encode())
		require.NoError(t, err)
		require.Equal(t, s.Encode(), again.Encode())
	})
}
