package logcache

import (
	"encoding/binary"
	"slices"
	"sort"
)

// The index lies in the ring itself, among the batches that it describes, so
// that it is freed with them, never grows the Go heap, and is part of what
// --log-cache bounds: tiny batches of many streams fill the cache sooner, and
// nothing else. Each stream has one run a block; a run is a chain of chunks,
// each twice as long as the one before.
//
//	run    0   8  stream                  chunk  0   8  base offset of the first entry
//	       8   8  run of the stream in           8   8  next chunk; 0 none
//	              an earlier block, 0 none       16  8  chunk before; 0 none
//	       16  8  run in a later block           24  4  entries in use
//	       24  8  run of another stream          28  4  entries that fit
//	              in this block, 0 none          32  -  entries
//	       32  8  sequence of the block
//	       40  8  first chunk             entry  0   8  base offset
//	       48  8  last chunk                     8   8  place of the batch
//	       56  8  payload bytes                  16  4  count
//	       64  8  base offset of the first       20  4  encoded bytes
//	       72  8  end offset of the last
//
// Places are ring positions that only grow, plus one, so that 0 is none. A
// place below the ring's tail is of a block that was freed: the link to it is
// not followed. So freeing a block touches no other one.
const (
	runStream = iota * 8
	runBefore
	runAfter
	runSibling
	runBlock
	runFirst
	runLast
	runPayload
	runBase
	runEnd
	runSize

	chunkBase   = 0
	chunkNext   = 8
	chunkBefore = 16
	chunkUsed   = 24
	chunkFits   = 28
	chunkSize   = 32

	entrySize    = 24
	firstEntries = 4 // of a run's first chunk; it lies behind the run
)

// place is a ring position plus one; 0 is none.
type place int64

// entry is one batch.
type entry struct {
	base  int64
	pos   int64 // in the memory
	count int32
	size  int32 // encoded, header included
}

func (e entry) end() int64 { return e.base + int64(e.count) }

// at is the memory from a place on. Index parts never cross the ring's end.
func (c *Cache) at(p place) []byte { return c.mem[(int64(p)-1)%c.size:] }

func (c *Cache) get(p place, field int) int64 {
	return int64(binary.LittleEndian.Uint64(c.at(p)[field:]))
}

func (c *Cache) set(p place, field int, v int64) {
	binary.LittleEndian.PutUint64(c.at(p)[field:], uint64(v))
}

func (c *Cache) get32(p place, field int) int {
	return int(binary.LittleEndian.Uint32(c.at(p)[field:]))
}

func (c *Cache) set32(p place, field, v int) {
	binary.LittleEndian.PutUint32(c.at(p)[field:], uint32(v))
}

// live reports whether a link leads to something that is still there.
func (c *Cache) live(p place) bool { return p != 0 && int64(p)-1 >= c.tail }

// entry reads the i-th entry of a chunk.
func (c *Cache) entry(chunk place, i int) entry {
	b := c.at(chunk)[chunkSize+i*entrySize:]
	return entry{
		base:  int64(binary.LittleEndian.Uint64(b)),
		pos:   (int64(binary.LittleEndian.Uint64(b[8:])) - 1) % c.size,
		count: int32(binary.LittleEndian.Uint32(b[16:])),
		size:  int32(binary.LittleEndian.Uint32(b[20:])),
	}
}

// mostEntries bounds a chunk so that it is a small part of the smallest cache,
// and in a large one never more than 1 MiB in a row.
func mostEntries(size int64) int {
	return int(min(max(size/64, 1<<10), 1<<20)-chunkSize) / entrySize
}

// addition is what the index needs for one more batch of a stream.
type addition struct {
	run     place // of the stream in the active block; 0: a new one
	entries int   // of the new chunk; 0: the last one has room
	bytes   int   // of ring space, beside the batch
}

// firstAddition begins a stream's run in a block.
var firstAddition = addition{entries: firstEntries, bytes: runSize + chunkSize + firstEntries*entrySize}

// addition looks the stream up.
func (c *Cache) addition(stream int64) addition {
	run := c.streams[stream]
	if c.active == nil || run == 0 || c.get(run, runBlock) != c.active.seq {
		return firstAddition
	}
	last := place(c.get(run, runLast))
	fits := c.get32(last, chunkFits)
	if c.get32(last, chunkUsed) < fits {
		return addition{run: run}
	}
	n := min(2*fits, mostEntries(c.size))
	return addition{run: run, entries: n, bytes: chunkSize + n*entrySize}
}

// grow writes the run and the chunk that the addition asks for, at a place that
// has the space, and returns the run.
func (c *Cache) grow(stream, base int64, a addition, at place) place {
	run, chunk := a.run, at
	if run == 0 {
		run, chunk = at, at+runSize
		c.newRun(stream, base, run, chunk)
	}
	c.set(chunk, chunkBase, base)
	c.set(chunk, chunkNext, 0)
	c.set32(chunk, chunkUsed, 0)
	c.set32(chunk, chunkFits, a.entries)
	before := place(0)
	if a.run != 0 {
		before = place(c.get(run, runLast))
		c.set(before, chunkNext, int64(chunk))
	}
	c.set(chunk, chunkBefore, int64(before))
	c.set(run, runLast, int64(chunk))
	return run
}

// newRun begins the stream's run in the active block. The uploader may be
// reading the run before it, of which only the link changes here.
func (c *Cache) newRun(stream, base int64, run, chunk place) {
	before := c.streams[stream]
	if before != 0 {
		c.set(before, runAfter, int64(run))
	}
	fields := [...]int64{stream, int64(before), 0, int64(c.active.runs), c.active.seq, int64(chunk), int64(chunk), 0, base, base}
	for i, v := range fields {
		c.set(run, i*8, v)
	}
	c.streams[stream] = run
	c.active.runs = run
	c.active.count++
}

// enter adds the batch to the last chunk of the run, which has room.
func (c *Cache) enter(run place, e entry, at place, payload int) {
	chunk := place(c.get(run, runLast))
	i := c.get32(chunk, chunkUsed)
	b := c.at(chunk)[chunkSize+i*entrySize:]
	binary.LittleEndian.PutUint64(b, uint64(e.base))
	binary.LittleEndian.PutUint64(b[8:], uint64(at))
	binary.LittleEndian.PutUint32(b[16:], uint32(e.count))
	binary.LittleEndian.PutUint32(b[20:], uint32(e.size))
	c.set32(chunk, chunkUsed, i+1)
	c.set(run, runEnd, e.end())
	c.set(run, runPayload, c.get(run, runPayload)+int64(payload))
}

// spot is one entry: the i-th of a chunk of a run.
type spot struct {
	run, chunk place
	i          int
}

// find returns the entry that holds the offset. It looks from the newest run
// and chunk backwards: most readers are near the end.
func (c *Cache) find(stream, offset int64) (spot, bool) {
	run := c.streams[stream]
	for c.live(run) && c.get(run, runBase) > offset {
		run = place(c.get(run, runBefore))
	}
	if !c.live(run) || c.get(run, runEnd) <= offset {
		return spot{}, false
	}
	chunk := place(c.get(run, runLast))
	for c.get(chunk, chunkBase) > offset {
		chunk = place(c.get(chunk, chunkBefore))
	}
	n := c.get32(chunk, chunkUsed)
	i := sort.Search(n, func(i int) bool { return c.entry(chunk, i).end() > offset })
	if i == n || c.entry(chunk, i).base > offset {
		return spot{}, false // a gap, after a loss that was accepted
	}
	return spot{run, chunk, i}, true
}

// forget takes the runs of a block that is being freed out of the index.
func (c *Cache) forget(b *Block) {
	for run := b.runs; run != 0; run = place(c.get(run, runSibling)) {
		if id := c.get(run, runStream); c.streams[id] == run {
			delete(c.streams, id)
		}
	}
}

// runsOf lists a sealed block's runs by stream, ascending.
func (c *Cache) runsOf(b *Block) (ids []int64, runs map[int64]place) {
	runs = make(map[int64]place, b.count)
	for run := b.runs; run != 0; run = place(c.get(run, runSibling)) {
		runs[c.get(run, runStream)] = run
	}
	ids = make([]int64, 0, len(runs))
	for id := range runs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, runs
}
