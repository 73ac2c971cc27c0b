package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/align"
)

// SlotUnit implements objstore.SlotReader.
func (s *Store) SlotUnit() int {
	if directFlag == 0 || s.readBuffered.Load() {
		return 1
	}
	return directUnit
}

// GetSlots reads each slot with one pread, or beside a log in pieces: by O_DIRECT straight into the slot,
// whole pages, where the slot is aligned for it; else through the page cache.
// Pages on which two slots meet are read twice, which is cheaper than to copy.
func (s *Store) GetSlots(ctx context.Context, key string, pos int64, slots []objstore.Slot) error {
	f, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	defer f.release()
	if err := objstore.CheckRange(key, f.size, pos, objstore.SlotBytes(slots)); err != nil {
		return err
	}
	if _, err := s.gate.Enter(ctx); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	defer s.gate.Leave()
	for _, slot := range slots {
		err := s.readSlot(ctx, f, pos, slot)
		if absent(err) { // removed since it was opened for the page cache
			return fmt.Errorf("%s: %w", key, objstore.ErrNotFound)
		}
		if err != nil {
			return s.explain(key, err)
		}
		pos += int64(slot.Size)
	}
	return nil
}

func (s *Store) readSlot(ctx context.Context, f *file, pos int64, slot objstore.Slot) error {
	if err := ctx.Err(); err != nil || slot.Size == 0 {
		return err
	}
	room := align.Up(slot.Head+slot.Size, directUnit)
	aligned := int(pos%directUnit) == slot.Head && room <= len(slot.Buf) && align.Memory(slot.Buf, directUnit)
	if aligned && directFlag != 0 && !s.readBuffered.Load() {
		err := s.readDirect(ctx, f, pos-int64(slot.Head), slot.Buf[:room], slot.Head+slot.Size)
		if !errors.Is(err, syscall.EINVAL) {
			return err
		}
		s.noDirect(f.path, err)
	}
	return s.beside.readAt(ctx, f.buffered, slot.Data(), slot.Size, pos)
}

// readDirect reads whole pages; the file's end may cut the last one short. What
// comes of the attempt to read on from there, a file system may decide.
func (s *Store) readDirect(ctx context.Context, f *file, pos int64, p []byte, need int) error {
	direct, err := f.openDirect()
	if err != nil {
		return err
	}
	return s.beside.readAt(ctx, direct, p, need, pos)
}

// noDirect reads through the page cache from here on.
func (s *Store) noDirect(path string, err error) {
	if !s.readBuffered.Swap(true) {
		s.log.Warn("object directory without O_DIRECT: objects are read through the page cache, which costs a copy; "+
			"put the objects on ext4 or xfs to avoid it", "path", path, "err", err)
	}
}

// newGate bounds the reads in flight, each of which holds a thread, and keeps
// one place free of prefetching for readers that wait.
func newGate(readers int) *objstore.Gate {
	return objstore.NewGate(readers, objstore.Spared{objstore.ClassPrefetch: 1, objstore.ClassCompaction: 1})
}

// directRead are the flags of a file that is read by O_DIRECT.
const directRead = os.O_RDONLY | directFlag
