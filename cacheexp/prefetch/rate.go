package prefetch

const (
	rateFirst    = 512 << 10 // ahead of a reader whose speed is not known, bytes
	rateMost     = 64 << 20  // ahead of one reader at most
	rateGET      = 100e6     // of a GET, ns, before any has ended
	rateMargin   = 2         // times what a reader reads while a GET takes its p99
	rateMostGrew = 6         // doublings by waiting
	rateSmooth   = 4         // a new speed counts for a quarter
	rateCalm     = 8         // times what is wanted, read without waiting, until a doubling is taken back
)

func init() {
	register("rate", func(arg string) (Prefetcher, error) {
		p := &rate{readers: newRuns[flow](mostReaders)}
		p.readers.dropped = func(f *flow) { p.wanted -= f.want }
		return p, plain(arg)
	})
}

// rate keeps as much ahead of each reader as it reads while a GET is under way,
// by Little's law:
//
//	want = speed of the reader × p99 of GETs × 2
//	──read──▶├──── want/2 ────┼──── want/2 ────┤
//	                           └ refilled to want when the reader comes here
//
// so that a slow reader holds little memory and a fast one never waits. The speed
// is measured from block to block, where the reader did not have to wait for the
// first of them: else it would be the store's speed. A reader that comes to a
// block on its way, whatever its speed is believed to be, gets twice as much, once
// for each time that what it had is used up; and half as much again when it did
// not have to wait for long, or found a block gone that had been fetched. When all readers together want
// more than there is room, each gets its part of the room, in proportion.
type rate struct {
	readers *runs[flow]
	wanted  int64 // by all of readers, bytes
}

type flow struct {
	place
	now      int64   // of the first access to the block at place
	waited   bool    // for the block at place
	size     int64   // of the block at place
	speed    float64 // bytes a ns; 0: not known
	grew     int     // doublings by waiting
	patience int64   // bytes to read until waiting may double again
	calm     int64   // bytes read since it waited last
	want     int64   // as accounted in rate.wanted, bytes
	left     int     // blocks ahead that were proposed
	bytes    int64   // of these
}

// Access refills when half of what should be ahead is left.
func (p *rate) Access(a Access, ahead Ahead, dst []Block) []Block {
	f, fresh := p.readers.touch(a.Reader)
	how := f.move(a, fresh)
	if how == stayed {
		return dst
	}
	f.note(a, how)
	if how == jumped {
		p.account(f, 0)
		return dst
	}
	p.account(f, f.target(a))
	want := p.part(f, a)
	if f.bytes > want/2 {
		return dst
	}
	before := len(dst)
	dst, bytes := stretch(ahead, f.left, want-f.bytes, dst)
	f.left, f.bytes = f.left+len(dst)-before, f.bytes+bytes
	return dst
}

// note measures the way to this block and counts it as read.
func (f *flow) note(a Access, how moved) {
	if took := a.Now - f.now; how != jumped && !f.waited && took > 0 {
		v := float64(f.size) / float64(took)
		if f.speed == 0 {
			f.speed = v
		}
		f.speed += (v - f.speed) / rateSmooth
	}
	f.now, f.size, f.waited = a.Now, int64(a.Block.Size), a.Late || !a.Hit
	f.patience -= f.size
	switch {
	case how == jumped:
		f.speed, f.grew, f.patience, f.left, f.bytes = 0, 0, 0, 0, 0
	case f.left == 0: // nothing was ahead
	case !a.Hit: // it was evicted unread
		f.left, f.bytes, f.grew = 0, 0, max(f.grew-1, 0)
	default:
		f.left, f.bytes = f.left-1, max(f.bytes-f.size, 0)
	}
	f.adapt(a)
}

// adapt doubles, or halves, what goes beyond the speed.
func (f *flow) adapt(a Access) {
	if f.calm += f.size; f.waited {
		f.calm = 0
	}
	switch {
	case a.Late && f.patience <= 0:
		f.grew = min(f.grew+1, rateMostGrew)
		f.patience = f.bytes + f.size // what was asked for before tells nothing about the new size
	case f.grew > 0 && f.calm > rateCalm*f.want:
		f.grew, f.calm = f.grew-1, 0
	}
}

// target is what should be ahead of the reader, in bytes.
func (f *flow) target(a Access) int64 {
	get := float64(a.GET)
	if get == 0 {
		get = rateGET
	}
	base := float64(rateFirst)
	if f.speed > 0 {
		base = min(f.speed*get*rateMargin, rateMost) // else the doublings overflow
	}
	return min(max(int64(base)<<f.grew, int64(a.Block.Size)), rateMost)
}

// account replaces what the reader wanted before.
func (p *rate) account(f *flow, want int64) {
	p.wanted += want - f.want
	f.want = want
}

// part is what the reader gets of what it wants. One block is always proposed:
// the driver knows whether there is room for it.
func (p *rate) part(f *flow, a Access) int64 {
	if a.Room > 0 && p.wanted > a.Room {
		p.readers.forget(func(f *flow) bool { return idle(a.Now, f.now) })
	}
	want := f.want
	if a.Room > 0 && p.wanted > a.Room {
		want = int64(float64(want) * float64(a.Room) / float64(p.wanted))
	}
	return max(want, 1)
}
