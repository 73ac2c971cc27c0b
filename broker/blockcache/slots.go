package blockcache

import (
	"fmt"
	"math/bits"
	"os"

	"github.com/tidelog/tide/internal/arena"
)

// slots hands out page-aligned memory for blocks and keeps count of it.
//
// DataBlocks are of any size: a little over the block size for a busy stream,
// a few KiB for a quiet one. One arena with a free list would break up into
// holes between blocks of different sizes. So each size class has slots of its
// own at addresses of its own, and what moves between the classes is not
// addresses but physical pages: a slot that is not in use keeps its pages
// ("warm") until another class needs the memory, and then gives them back to
// the system ("cold", MADV_DONTNEED). Address space is plentiful, pages are
// bounded exactly.
//
//	resident = in use + warm ≤ limit
//
// In the steady state all slots are of one or two classes and are reused warm,
// without page faults.
type slots struct {
	limit    int64 // bytes that may be resident
	inUse    int64
	resident int64
	page     int
	classes  []class
	chunks   [][]byte // everything that was mapped
}

// class holds the unused slots of one size.
type class struct {
	size       int
	warm, cold [][]byte
}

// chunkSize is how much is mapped at a time for small classes, in bytes.
const chunkSize = 1 << 20

func newSlots(limit int64) *slots {
	return &slots{limit: limit, page: max(4096, os.Getpagesize())}
}

// classOf returns the class of n bytes (at least 1) and its slot size. Up to 8
// pages each count is a class; above there are 8 classes for each doubling, so
// that at most an eighth of a slot is unused.
func (s *slots) classOf(n int) (class, size int) {
	pages := (n + s.page - 1) / s.page
	if pages <= 8 {
		return pages - 1, pages * s.page
	}
	shift := bits.Len(uint(pages-1)) - 4
	eighths := (pages + 1<<shift - 1) >> shift // 9 … 16
	return 8 + shift*8 + eighths - 9, eighths << shift * s.page
}

// size is what n bytes cost.
func (s *slots) size(n int) int64 {
	_, size := s.classOf(n)
	return int64(size)
}

// fits reports whether n more bytes stay within the limit when freed bytes of
// slots now in use are given up first.
func (s *slots) fits(n int, freed int64) bool {
	return s.inUse-freed+s.size(n) <= s.limit
}

// take returns a slot's first n bytes; its capacity is the whole slot. The
// caller has made sure that they fit. The content is undefined.
func (s *slots) take(n int) ([]byte, error) {
	at, size := s.classOf(n)
	for len(s.classes) <= at {
		s.classes = append(s.classes, class{})
	}
	c := &s.classes[at]
	c.size = size
	if len(c.warm) == 0 {
		if err := s.warmUp(c); err != nil {
			return nil, err
		}
	}
	last := len(c.warm) - 1
	slot := c.warm[last]
	c.warm = c.warm[:last]
	s.inUse += int64(size)
	return slot[:n], nil
}

// warmUp makes a cold slot of c warm, taking pages from other classes and
// mapping more addresses where it must.
func (s *slots) warmUp(c *class) error {
	if err := s.reclaim(int64(c.size)); err != nil {
		return err
	}
	if len(c.cold) == 0 {
		chunk, err := arena.Map(c.size * max(1, chunkSize/c.size))
		if err != nil {
			return err
		}
		s.chunks = append(s.chunks, chunk)
		for ; len(chunk) > 0; chunk = chunk[c.size:] {
			c.cold = append(c.cold, chunk[:c.size:c.size])
		}
	}
	last := len(c.cold) - 1
	c.warm = append(c.warm, c.cold[last])
	c.cold = c.cold[:last]
	s.resident += int64(c.size)
	return nil
}

// reclaim makes warm slots cold until need more bytes may become resident.
func (s *slots) reclaim(need int64) error {
	for i := len(s.classes) - 1; i >= 0; i-- {
		c := &s.classes[i]
		for len(c.warm) > 0 && s.resident+need > s.limit {
			last := len(c.warm) - 1
			if err := giveBack(c.warm[last]); err != nil {
				return fmt.Errorf("block cache: give memory back: %w", err)
			}
			c.cold = append(c.cold, c.warm[last])
			c.warm = c.warm[:last]
			s.resident -= int64(c.size)
		}
	}
	if s.resident+need > s.limit {
		panic(fmt.Sprintf("blockcache: %d bytes in use and %d wanted with a limit of %d", s.inUse, need, s.limit))
	}
	return nil
}

// put takes a slot back, warm.
func (s *slots) put(slot []byte) {
	at, size := s.classOf(cap(slot))
	s.classes[at].warm = append(s.classes[at].warm, slot[:size])
	s.inUse -= int64(size)
}

// unmap gives everything back. No slot may be in use.
func (s *slots) unmap() error {
	var first error
	for _, c := range s.chunks {
		if err := arena.Unmap(c); err != nil && first == nil {
			first = err
		}
	}
	*s = slots{limit: s.limit, page: s.page}
	return first
}
