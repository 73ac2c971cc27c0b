package fault

import (
	"context"
	"fmt"
	"io"

	"github.com/tidelog/tide/broker/objstore"
)

// SlotUnit implements objstore.SlotReader: a store that is wrapped and not
// failing is read as it would be without the wrapper.
func (s *Store) SlotUnit() int { return objstore.SlotUnit(s.inner) }

// GetSlots implements objstore.SlotReader. It counts as one GET.
func (s *Store) GetSlots(ctx context.Context, key string, pos int64, slots []objstore.Slot) error {
	r, err := s.run(ctx, objstore.OpGet, key, func() error { return objstore.GetSlots(ctx, s.inner, key, pos, slots) })
	if err != nil || len(slots) == 0 || slots[0].Size == 0 {
		return err
	}
	first := slots[0].Data()
	switch {
	case r.Cut:
		return fmt.Errorf("%s %s: body: %w", objstore.OpGet, key, io.ErrUnexpectedEOF)
	case r.Flip:
		first[len(first)/2] ^= 1
	}
	return nil
}
