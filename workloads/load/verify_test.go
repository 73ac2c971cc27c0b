package load

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// script is a log of one partition, written by producer 0 or 1, one record per
// offset; a transcript of what a broker might hand out.
type script struct {
	t      *testing.T
	ledger *Ledger
	v      *Verifier
	bytes  *payloads
	offset int64
}

func newScript(t *testing.T, sent0, sent1 int) *script {
	plan := planOf(Config{Producers: 2, Partitions: 1})
	s := &script{t: t, ledger: newLedger(plan), v: newVerifier(plan, everyTopic), bytes: newPayloads(Payload{}, 7, 64)}
	for range sent0 {
		s.ledger.next(0, 0)
	}
	for range sent1 {
		s.ledger.next(1, 0)
	}
	return s
}

func (s *script) value(producer uint32, seq int64) []byte {
	v := make([]byte, 64)
	stamp := Stamp{Producer: producer, Sequence: seq, Intended: 5, Sent: 9}
	stamp.write(v, s.bytes.of(stamp))
	return v
}

// planOf a configuration that needs nothing but numbers.
func planOf(c Config) *layout {
	c.Brokers, c.Topic = []string{"x:1"}, "t"
	return newLayout(c.withDefaults())
}

func (s *script) read(producer uint32, seqs ...int64) {
	for _, seq := range seqs {
		_, fresh := s.v.Observe(0, s.offset, s.value(producer, seq))
		require.True(s.t, fresh)
		s.offset++
	}
}

func TestVerifyGood(t *testing.T) {
	s := newScript(t, 3, 2)
	s.read(0, 0, 1)
	s.read(1, 0, 1)
	s.read(0, 2)
	out := s.v.Finish(s.ledger)
	require.True(t, out.OK(), "%+v", out)
	require.Equal(t, int64(5), out.Records)
	require.Equal(t, int64(5), out.Expected)
	require.Equal(t, int64(5*64), out.Bytes)
}

func TestVerifyLoss(t *testing.T) {
	s := newScript(t, 6, 1)
	s.read(0, 0, 1, 4) // 2, 3 in a hole and 5 at the end, and producer 1's only one
	out := s.v.Finish(s.ledger)
	require.Equal(t, int64(4), out.Lost)
	require.False(t, out.OK())
	require.Contains(t, out.Samples[0], "was acknowledged and is not there")
}

func TestVerifyUnknownOutcome(t *testing.T) {
	s := newScript(t, 4, 0)
	s.ledger.fail(0, 0, 1) // is there all the same: allowed
	s.ledger.fail(0, 0, 2) // is not there: allowed
	s.read(0, 0, 1, 3)
	out := s.v.Finish(s.ledger)
	require.True(t, out.OK(), "%+v", out)
	require.Equal(t, int64(2), out.Unknown)
	require.Equal(t, int64(2), out.Expected)

	s.read(0, 1) // but never twice
	require.Equal(t, int64(1), s.v.Finish(s.ledger).Duplicates)
}

func TestVerifyDuplicate(t *testing.T) {
	s := newScript(t, 2, 0)
	s.read(0, 0, 1, 1, 0)
	out := s.v.Finish(s.ledger)
	require.Equal(t, int64(2), out.Duplicates)
	require.Zero(t, out.Reordered)
}

func TestVerifyReorder(t *testing.T) {
	s := newScript(t, 5, 0)
	s.read(0, 0, 4, 2, 1, 3)
	out := s.v.Finish(s.ledger)
	require.Equal(t, int64(3), out.Reordered)
	require.Zero(t, out.Lost)
	require.Zero(t, out.Duplicates)
}

func TestVerifyCorruptAndForeign(t *testing.T) {
	s := newScript(t, 2, 0)
	s.read(0, 0)
	bad := s.value(0, 1)
	bad[50] ^= 1
	_, fresh := s.v.Observe(0, 1, bad)
	require.False(t, fresh)
	s.v.Observe(0, 2, []byte("somebody else's"))
	elsewhere := make([]byte, 64)
	Stamp{Producer: 0, Partition: 3, Sequence: 1}.write(elsewhere, elsewhere)
	s.v.Observe(0, 3, elsewhere)
	stranger := make([]byte, 64)
	Stamp{Producer: 9}.write(stranger, stranger)
	s.v.Observe(0, 4, stranger)
	out := s.v.Finish(s.ledger)
	require.Equal(t, int64(1), out.Corrupt)
	require.Equal(t, int64(3), out.Foreign)
	require.Equal(t, int64(1), out.Lost, "the corrupt record's place is empty")
}

func TestVerifyRedeliveryIsNoFault(t *testing.T) {
	s := newScript(t, 2, 0)
	s.read(0, 0, 1)
	_, fresh := s.v.Observe(0, 0, s.value(0, 0))
	require.False(t, fresh, "it must not be timed twice")
	out := s.v.Finish(s.ledger)
	require.True(t, out.OK())
	require.Equal(t, int64(1), out.Redelivered)
	require.Equal(t, int64(2), s.v.Offset(0))
}

func TestVerifyGivesUpOnTooManyGaps(t *testing.T) {
	s := newScript(t, 0, 0)
	for i := range int64(maxGaps + 1) {
		s.read(0, 2*i+1)
	}
	require.True(t, s.v.Finish(s.ledger).Overflow)
}

func FuzzReadStamp(f *testing.F) {
	v := make([]byte, 64)
	Stamp{Producer: 1, Sequence: 2}.write(v, v)
	f.Add(v)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, v []byte) {
		s, err := ReadStamp(v)
		if err == nil && len(v) < HeaderSize {
			t.Fatalf("stamp %+v from %d bytes", s, len(v))
		}
	})
}

// TestObserved: what lies behind the last record read is not missed, what lies
// between is.
func TestObserved(t *testing.T) {
	s := newScript(t, 9, 4)
	s.read(0, 0, 1, 2)
	s.read(1, 0)
	out := s.v.reading().judge(s.ledger)
	require.True(t, out.OK(), "%+v", out)
	require.Equal(t, int64(4), out.Records)
	s.read(0, 5)
	out = s.v.reading().judge(s.ledger)
	require.Equal(t, int64(2), out.Lost)
	s.ledger.fail(0, 0, 3)
	require.Equal(t, int64(1), s.v.reading().judge(s.ledger).Lost, "nobody knows of a failed one")
}
