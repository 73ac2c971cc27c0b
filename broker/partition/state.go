package partition

import (
	"fmt"
	"time"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/upload"
)

// foldState is what a partition remembers beside its data, at some offset of
// its stream: a pure function of the state record it was loaded from and the
// headers of the batches since. The partition and the uploader both run it.
type foldState struct {
	end       int64 // offset after the last batch; −1 before the first of a new stream
	stable    int64 // last stable offset; equal to end while no transaction is open
	epochs    epochList
	producers *producers

	maxTimestamp int64 // since MaxTimestamp was last called, ms; −1 none
}

func newFoldState() *foldState {
	return &foldState{end: -1, stable: -1, producers: newProducers(), maxTimestamp: -1}
}

// Apply advances the state over the next batch. It does not look at the
// records or the CRC: both were checked when the batch was appended or read
// back. A gap before the batch is accepted, because only recovery makes one,
// and only when the operator has accepted the loss.
func (s *foldState) Apply(b object.RecordBatch) error {
	h, err := ReadHeader(b.Payload)
	if err != nil {
		return fmt.Errorf("stream %d at %d: %w", b.StreamID, b.BaseOffset, err)
	}
	switch {
	case h.BaseOffset != b.BaseOffset || h.End() != b.EndOffset() || h.End() <= h.BaseOffset:
		return fmt.Errorf("stream %d: batch of offsets %d to %d stands for %d to %d", b.StreamID, h.BaseOffset, h.End(), b.BaseOffset, b.EndOffset())
	case b.BaseOffset < s.end:
		return fmt.Errorf("stream %d: batch at %d after the state has reached %d", b.StreamID, b.BaseOffset, s.end)
	}
	s.advance(h, int32(b.Epoch))
	return nil
}

// advance is Apply for a header that is known to be good. It returns the
// batch's producer, nil when it has none.
func (s *foldState) advance(h Header, epoch int32) *producer {
	s.end, s.stable = h.End(), h.End()
	s.epochs = s.epochs.add(epoch, h.BaseOffset)
	s.maxTimestamp = max(s.maxTimestamp, h.MaxTimestamp)
	return s.producers.apply(h)
}

// MaxTimestamp is the largest timestamp among the batches applied since the
// last call, in ms; −1 when there was none.
func (s *foldState) MaxTimestamp() int64 {
	ts := s.maxTimestamp
	s.maxTimestamp = -1
	return ts
}

// Encode returns the state record for the offset after the last batch.
func (s *foldState) Encode() []byte { return encodeState(s) }

// touch makes every producer seen at now: a broker that opens a partition
// cannot know for how long they have been silent.
func (s *foldState) touch(now time.Time) {
	s.producers.each(func(p *producer) { p.seen = now })
}

// Folder makes the state records that travel with commits. It has no state.
type Folder struct{}

var _ upload.StateFolder = Folder{}

// Load starts from a record that an earlier State encoded, or, when record is
// empty, from the state of a new stream.
func (Folder) Load(streamID int64, record []byte) (upload.State, error) {
	s, err := loadState(record)
	if err != nil {
		return nil, fmt.Errorf("stream %d: %w", streamID, err)
	}
	return s, nil
}

func loadState(record []byte) (*foldState, error) {
	if len(record) == 0 {
		return newFoldState(), nil
	}
	return decodeState(record)
}
