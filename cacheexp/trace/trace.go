// Package trace keeps what was asked of a block cache, in order, so that the
// same requests can be put to other policies and prefetchers later.
//
//	block cache ─ Record ─▶ queue (bounded) ─▶ one goroutine ─▶ file
//	                  │ full: counted as lost, never waited for
//	file ─ Reader ─▶ Summarize, Convert, and whoever replays it
//
// # The file
//
// A header of 16 bytes, then items of 64 bytes, whatever they are: item i
// stands at 16 + 64·i. Every integer is big-endian.
//
//	0                8             12            16
//	┌────────────────┬─────────────┬─────────────┐
//	│ "TideTrce"     │ version = 2 │ item = 64   │
//	└────────────────┴─────────────┴─────────────┘
//
//	0      1         4      8      16       24       32       40         48      56    64
//	┌──────┬─────────┬──────┬──────┬────────┬────────┬────────┬──────────┬───────┬─────┐
//	│ kind │ pages   │ size │ time │ stream │ reader │ object │ position │ start │ end │
//	└──────┴─────────┴──────┴──────┴────────┴────────┴────────┴──────────┴───────┴─────┘
//
//	0      1         8          16     24                                             64
//	┌──────┬─────────┬──────────┬──────┬─────────────────────────────────────────────┐
//	│ kind │ 7 zeros │ accesses │ lost │ zeros                                       │
//	└──────┴─────────┴──────────┴──────┴─────────────────────────────────────────────┘
//
// The first form is an access (kinds 1 to 11), the second a mark: kind 254 says
// that accesses were lost before it, kind 255 ends the file. Both count from
// the start of the recording. A file without its end is that of a broker that
// was killed; what is there is good, up to an item that was cut short.
//
// Pages are what the block takes of the cache's memory, in 4 KiB; 0 where that
// is not known. With kinds 1 to 3 and 7 to 10 a trace says everything that the
// eviction policy of the cache was told, in that order, so that the same policy
// makes the same decisions when it is told again (cacheexp/timed, Recorded).
//
// Time is ns since the Unix epoch. Start and end are logical offsets of the
// stream, the end exclusive; an index has neither, nor a stream or reader.
package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Kind says what an access was.
type Kind uint8

// The kinds of accesses.
const (
	// Hit: a reader asked for a block that was there, or on its way.
	Hit Kind = iota + 1
	// Miss: a reader asked for a block, and its load began.
	Miss
	// Prefetch: the load of a block began before anybody asked for it.
	Prefetch
	// IndexHit, IndexMiss and IndexPrefetch are the same of an object's index.
	IndexHit
	IndexMiss
	IndexPrefetch
	// Rescue: a reader asked for a block that the policy had sent away and that
	// was still in memory, since another reader held it or its load had not
	// ended: no GET, but no hit of the policy's either.
	Rescue
	// Refused: a reader asked for a block for which there was no memory. It
	// asks again.
	Refused
	// Drop: the cache let go of a block that the policy would have kept: its
	// reader had read it to its end, or its load had failed.
	Drop
	// Pushed: the policy had to give this block up, beyond what it needs to
	// keep to its size, for the one that comes in next: blocks that readers
	// hold took the memory.
	Pushed
	// Commit: the block can be read from here on. A cache does not see that;
	// generators write it, so that nothing is read ahead of its being written.
	Commit
	endOfKinds
)

const (
	lostMark Kind = 254
	endMark  Kind = 255
)

var kindNames = [endOfKinds]string{"", "hit", "miss", "prefetch", "index hit", "index miss", "index prefetch", "rescue", "refused", "drop", "pushed", "commit"}

// Kinds are all of them.
var Kinds = []Kind{Hit, Miss, Prefetch, IndexHit, IndexMiss, IndexPrefetch, Rescue, Refused, Drop, Pushed, Commit}

// String is the name in summaries.
func (k Kind) String() string {
	if k == 0 || k >= endOfKinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Demand says that a reader asked for a block, and got it.
func (k Kind) Demand() bool { return k == Hit || k == Miss || k == Rescue }

// Access is one of a block, or of an index.
type Access struct {
	Kind     Kind
	Size     int32 // bytes
	Time     int64 // ns since the epoch
	Stream   int64
	Reader   uint64 // 0 where readers cannot be told apart
	Object   int64
	Position int64 // bytes from the object's start
	Start    int64 // offsets that the block covers
	End      int64 // exclusive
	Pages    int32 // what it takes of the cache's memory, in PageSize; 0: not known
}

// PageSize is the unit of Access.Pages, in bytes.
const PageSize = 4096

// mostPages is what three bytes hold.
const mostPages = 1<<24 - 1

// Totals are of a whole recording, or of it up to a mark.
type Totals struct {
	Accesses int64 // that were written
	Lost     int64 // that came faster than they could be written
}

// Lengths in bytes.
const (
	headerSize = 16
	itemSize   = 64
)

const (
	magic   = "TideTrce"
	version = 2
)

// ErrFormat is wrapped by every error that says "this is no trace".
var ErrFormat = errors.New("not a trace of a block cache")

func header() []byte {
	dst := append(make([]byte, 0, headerSize), magic...)
	dst = binary.BigEndian.AppendUint32(dst, version)
	return binary.BigEndian.AppendUint32(dst, itemSize)
}

func checkHeader(b []byte) error {
	switch v := binary.BigEndian.Uint32(b[8:]); {
	case string(b[:8]) != magic:
		return fmt.Errorf("%w: want magic %q, found %q", ErrFormat, magic, b[:8])
	case v != version:
		return fmt.Errorf("%w: want version %d, found %d", ErrFormat, version, v)
	}
	if n := binary.BigEndian.Uint32(b[12:]); n != itemSize {
		return fmt.Errorf("%w: want items of %d bytes, found %d", ErrFormat, itemSize, n)
	}
	return nil
}

func appendAccess(dst []byte, a Access) []byte {
	pages := min(max(a.Pages, 0), mostPages)
	dst = append(dst, byte(a.Kind), byte(pages>>16), byte(pages>>8), byte(pages))
	dst = binary.BigEndian.AppendUint32(dst, uint32(a.Size))
	for _, v := range [...]uint64{
		uint64(a.Time), uint64(a.Stream), a.Reader, uint64(a.Object), uint64(a.Position), uint64(a.Start), uint64(a.End),
	} {
		dst = binary.BigEndian.AppendUint64(dst, v)
	}
	return dst
}

// decodeAccess reads an item of one of the kinds of accesses.
func decodeAccess(b []byte) (Access, error) {
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[i:])) }
	a := Access{
		Kind: Kind(b[0]), Size: int32(binary.BigEndian.Uint32(b[4:])), Time: at(8), Stream: at(16), Reader: uint64(at(24)),
		Object: at(32), Position: at(40), Start: at(48), End: at(56),
		Pages: int32(b[1])<<16 | int32(b[2])<<8 | int32(b[3]),
	}
	switch {
	case a.Kind == 0 || a.Kind >= endOfKinds:
		return Access{}, fmt.Errorf("%w: unknown kind %d", ErrFormat, b[0])
	case a.Size <= 0:
		return Access{}, fmt.Errorf("%w: want a size of 1 or more, found %d", ErrFormat, a.Size)
	case a.Position > math.MaxInt64-int64(a.Size):
		return Access{}, fmt.Errorf("%w: want a block that ends before the largest position, found %d bytes at %d", ErrFormat, a.Size, a.Position)
	case a.Position < 0 || a.Start < 0 || a.End < a.Start:
		return Access{}, fmt.Errorf("%w: want a position and offsets of 0 or more, found %d and [%d, %d)", ErrFormat, a.Position, a.Start, a.End)
	}
	return a, nil
}

func appendMark(dst []byte, kind Kind, t Totals) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, itemSize)...)
	b := dst[n:]
	b[0] = byte(kind)
	binary.BigEndian.PutUint64(b[8:], uint64(t.Accesses))
	binary.BigEndian.PutUint64(b[16:], uint64(t.Lost))
	return dst
}

func decodeMark(b []byte) (Totals, error) {
	t := Totals{Accesses: int64(binary.BigEndian.Uint64(b[8:])), Lost: int64(binary.BigEndian.Uint64(b[16:]))}
	if t.Accesses < 0 || t.Lost < 0 {
		return Totals{}, fmt.Errorf("%w: want counts of 0 or more in a mark, found %d and %d", ErrFormat, t.Accesses, t.Lost)
	}
	return t, nil
}
