package prefetch

import "math/bits"

const (
	linuxMost      = 32 << 20 // largest window by default, bytes
	linuxLeastMost = 64 << 10
	linuxMostMost  = 1 << 30
)

func init() {
	register("linux", func(arg string) (Prefetcher, error) {
		most, err := sizeOf(arg, linuxMost, linuxLeastMost, linuxMostMost)
		return &linux{most: most, readers: newRuns[window](mostReaders)}, err
	})
}

// linux is the on-demand readahead of the Linux kernel (Wu Fengguang, "On the
// design of a new Linux readahead framework", 2008; mm/readahead.c, functions
// ondemand_readahead, get_init_ra_size and get_next_ra_size), with blocks in
// place of pages:
//
//	        ┌ mark                ┌ mark
//	read ─▶ │ window              │ next window, twice or four times as long
//	────────┼─────────────────────┼─────────────────────────────────────
//
// A sequential miss opens a window that begins with the missed block. The block
// behind it carries the mark: whoever reads it has the next window fetched while
// the rest of this one is still ahead (the kernel's asynchronous readahead), and
// the first block of that one carries the next mark. So the reader never comes to
// an end that is not on its way, if one window takes longer to read than the next
// one to fetch. A miss where a block was expected, since it was evicted, begins
// with a first window again.
//
// Where it differs: windows are in bytes and up to 32 MiB (linux:MAX) rather than
// the 128 KiB of a disk; the state is that of the reader, not of an open file; a
// window is never more than the reader's share of the room. The kernel reads
// ahead at offset 0 of a file too: here the second block begins it, as one look-up
// must not cost a window.
type linux struct {
	most    int64
	readers *runs[window]
}

type window struct {
	place
	now  int64
	size int64 // of the newest window, bytes
	left int   // blocks ahead that were proposed
	mark int   // blocks to read until the one with the mark; 0: there is none
}

// Access opens a window at a sequential miss, and the next one at the mark.
func (p *linux) Access(a Access, ahead Ahead, dst []Block) []Block {
	w, fresh := p.readers.touch(a.Reader)
	w.now = a.Now
	how := w.move(a, fresh)
	if how == stayed {
		return dst
	}
	if how == jumped {
		w.left, w.mark = 0, 0
		return dst
	}
	most := min(p.most, p.readers.share(a.Room, func(w *window) bool { return idle(a.Now, w.now) }))
	if w.left == 0 || !a.Hit {
		w.left, w.mark, w.size = 0, 1, firstWindow(int64(a.Block.Size), most)
		return w.open(ahead, w.size-int64(a.Block.Size), dst)
	}
	w.left, w.mark = w.left-1, w.mark-1
	if w.mark > 0 {
		return dst
	}
	w.size, w.mark = nextWindow(w.size, most), w.left+1
	return w.open(ahead, w.size, dst)
}

// open proposes a window behind what was proposed before. Where the known blocks
// end, the next access tries again.
func (w *window) open(ahead Ahead, size int64, dst []Block) []Block {
	before := len(dst)
	dst, _ = stretch(ahead, w.left, size, dst)
	if n := len(dst) - before; n > 0 {
		w.left += n
	} else {
		w.mark = min(w.mark, 1)
	}
	return dst
}

// firstWindow is the kernel's get_init_ra_size.
func firstWindow(block, most int64) int64 {
	size := int64(1) << bits.Len64(uint64(block-1))
	switch {
	case size <= most/32:
		return size * 4
	case size <= most/4:
		return size * 2
	default:
		return most
	}
}

// nextWindow is the kernel's get_next_ra_size.
func nextWindow(size, most int64) int64 {
	switch {
	case size < most/16:
		return size * 4
	case size <= most/2:
		return size * 2
	default:
		return most
	}
}
