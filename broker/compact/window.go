package compact

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/internal/arena"
)

// source is an object that is read from. Outputs take streams in ascending
// order, which is the order within each stream-set source too: so each is read
// front to back, through a window, however small the shares are.
//
//	source   ┤ a │ b │ c │ d │ … ├
//	              [ window  ]       the next GET, when d is asked for
type source struct {
	object meta.Object
	index  object.Index
	left   int // ranges of the job that are still to be copied out of it

	window []byte // a slot, or nil
	at     int64  // position of window in the object
	filled int    // bytes of it that are valid
}

// slots are the windows of a job, off the Go heap. A source that finds none
// free reads without.
type slots struct {
	memory []byte
	free   [][]byte
}

// newSlots maps address space for n windows; pages come as they are used.
func newSlots(n, size int) (*slots, error) {
	memory, err := arena.Map(n * size)
	if err != nil {
		return nil, err
	}
	s := &slots{memory: memory}
	for i := range n {
		s.free = append(s.free, memory[i*size:(i+1)*size:(i+1)*size])
	}
	return s, nil
}

func (s *slots) take() []byte {
	n := len(s.free)
	if n == 0 {
		return nil
	}
	w := s.free[n-1]
	s.free = s.free[:n-1]
	return w
}

func (s *slots) put(w []byte) {
	if w != nil {
		s.free = append(s.free, w)
	}
}

func (s *slots) close() error { return arena.Unmap(s.memory) }

// read fills p with the source's bytes from pos on.
func (w *work) read(ctx context.Context, s *source, pos int64, p []byte) error {
	for len(p) > 0 {
		n := s.cached(pos, p)
		if n == 0 {
			var err error
			if n, err = w.fetch(ctx, s, pos, p); err != nil {
				return err
			}
		}
		pos, p = pos+int64(n), p[n:]
	}
	return nil
}

// cached copies what the window holds of the bytes at pos.
func (s *source) cached(pos int64, p []byte) int {
	if pos < s.at || pos >= s.at+int64(s.filled) {
		return 0
	}
	return copy(p, s.window[pos-s.at:s.filled])
}

// fetch is one GET: of the window, or straight into p where that is larger.
func (w *work) fetch(ctx context.Context, s *source, pos int64, p []byte) (int, error) {
	if len(p) < w.cfg.Window && s.window == nil {
		s.window = w.slots.take()
	}
	if len(p) >= w.cfg.Window || s.window == nil {
		n := min(len(p), readBytes)
		return n, w.get(ctx, s.object, pos, p[:n])
	}
	n := int(min(int64(len(s.window)), s.object.IndexPosition-pos))
	if n < 1 {
		return 0, fmt.Errorf("object %d: data at %d, its index begins at %d: %w", s.object.ID, pos, s.object.IndexPosition, object.ErrCorrupt)
	}
	s.filled = 0
	if err := w.get(ctx, s.object, pos, s.window[:n]); err != nil {
		return 0, err
	}
	s.at, s.filled = pos, n
	return 0, nil
}

func (w *work) get(ctx context.Context, o meta.Object, pos int64, p []byte) error {
	if err := w.pace.Wait(ctx, len(p)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	if err := w.cfg.Store.GetRange(ctx, o.Key, pos, p); err != nil {
		return fmt.Errorf("object %d, %d bytes at %d: %w", o.ID, len(p), pos, err)
	}
	w.stats.gets.Add(1)
	w.stats.bytesRead.Add(int64(len(p)))
	return nil
}

// loadIndex reads a source's index. Its length comes from the metadata, and is
// held against the object's size there.
func (w *work) loadIndex(ctx context.Context, o meta.Object) (object.Index, error) {
	raw := make([]byte, o.IndexLength)
	if err := w.get(ctx, o, o.IndexPosition, raw); err != nil {
		return nil, err
	}
	x, err := object.DecodeIndexAt(o.ID, o.IndexPosition, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Key, err)
	}
	return x, nil
}
