// Package iopath is the waist between the write-ahead log and the device it
// writes to. A Path is one way of doing the I/O (io_uring, pwrite with
// O_DIRECT, memory, …); the WAL, the benchmarks and the tests see only this
// interface, so that ways of writing can be compared and nothing else changes.
//
//	wal ──Submit──▶ Path ──▶ kernel ──▶ device
//	wal ◀──Reap─── Path ◀── completion
//
// Positions and lengths are multiples of Geometry().Block (4 KiB). Every
// buffer that is written lies in the Path's own Arena, which is aligned, off
// the Go heap and, where the kernel allows it, registered with it once.
package iopath

import "errors"

// BlockSize is the unit of every position and length, in bytes.
const BlockSize = 4096

// Errors that every Path wraps with the name of the file or device.
var (
	// ErrLatched is returned by every call that writes after the first failed
	// write or flush. Bytes of later writes may have reached the device; they
	// are reported as failed all the same, and no retry turns them into a
	// success.
	ErrLatched = errors.New("I/O path latched by an earlier failure")
	// ErrClosed is returned by calls made after Close.
	ErrClosed = errors.New("I/O path is closed")
	// ErrDepth is returned by Submit when more than Geometry().Depth writes
	// would be in flight.
	ErrDepth = errors.New("more writes in flight than the depth allows")
	// ErrUnsupported is wrapped when the machine lacks what the path needs;
	// the message names the cause and the remedy.
	ErrUnsupported = errors.New("not supported on this machine")
)

// Durability says what a completed write has survived. It is printed with
// every result, because how a write becomes durable is what is compared.
type Durability string

// The ways in which a write becomes durable.
const (
	// Dsync: each write carries RWF_DSYNC or the file O_DSYNC; the block layer
	// drops the flush where no volatile cache is reported. The default.
	Dsync Durability = "dsync"
	// Direct: O_DIRECT alone, durable only where the device has no volatile
	// cache and the file's blocks are allocated and written already.
	Direct Durability = "direct"
	// Fdatasync: a buffered or direct write followed by fdatasync.
	Fdatasync Durability = "fdatasync"
	// None: a completed write may be lost by a power cut.
	None Durability = "none"
)

// Geometry describes an open Path. It does not change while the Path is open.
type Geometry struct {
	Block      int        // unit of positions and lengths, bytes
	Capacity   int64      // bytes that can be addressed, a multiple of Block
	Depth      int        // writes in flight at most
	Durability Durability // what Err == nil on a Write means
	// IOPS is how many writes a second the device accounts for, each of up to
	// 256 KiB, where that is known: of a modelled volume, or of iops= in the WAL
	// URL. 0: not known. Who writes more waits in the device's queue, so whoever
	// batches does better to wait before it closes a batch.
	IOPS int64
	// Simulated describes the volume that a model stands for, with what is
	// guessed of it; empty on a real device. A result that was made with it
	// says so.
	Simulated string
	// Blank says that this open has made the file, so that all of it was zeros
	// when it began.
	Blank bool
}

// Path is one way of writing a WAL to a device or file.
type Path interface {
	// Geometry is fixed at open.
	Geometry() Geometry

	// Arena is aligned, off-heap memory, fixed at open. Every Write's Buf lies
	// in it. How it is divided is the caller's business.
	Arena() []byte

	// Submit starts the writes. It never runs Done. The path owns each Write
	// and its Buf until Done runs. More than Depth in flight is ErrDepth and
	// starts none of them; after a failure it is ErrLatched. A Submit that
	// returns an error has started nothing.
	Submit(ws []*Write) error

	// Reap waits for at least min completions (0: those that are there) and
	// runs Done for each on the CALLER's goroutine, in any order; it returns
	// how many. One reaper at a time; a second one panics. It returns early,
	// possibly with 0, after Wake and on Close. When it would wait for ever,
	// because the path latched and nothing is left in flight, it returns
	// ErrLatched. Done may call Submit and Wake, not Reap and Close.
	// Write.Err == nil means as durable as Geometry says.
	Reap(min int) (int, error)

	// Wake makes a Reap that is blocked, or the next one that would block,
	// return. Several before that count as one.
	Wake()

	// ReadAt fills p from pos. p is aligned in memory to Block, and its length
	// is a multiple of Block. Concurrent calls are allowed. It is never short
	// without an error.
	ReadAt(p []byte, pos int64) (int, error)

	// Close waits until the device has done what was submitted, without
	// running Done for it, and releases the arena and the file: neither is to
	// be touched afterwards. A Reap that waits returns; the next gets ErrClosed.
	Close() error
}

// Write is one write, owned and reused by the caller.
type Write struct {
	Pos  int64        // where, a multiple of Block
	Buf  []byte       // what, in the Path's Arena, a multiple of Block long
	Done func(*Write) // run by Reap on its caller's goroutine; must not block
	Err  error        // set before Done runs; nil: durable as Geometry says
}
