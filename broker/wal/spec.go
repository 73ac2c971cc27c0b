package wal

import "github.com/tidelog/tide/iopath"

// FromSpec takes what a WAL URL says of the log itself. The Path, opened from
// the same Spec, and the callbacks are the caller's to add.
func FromSpec(s iopath.Spec) Config {
	return Config{
		Depth:         s.Depth,
		WindowInitial: s.WindowInitial, WindowStep: s.WindowStep, WindowLimit: s.WindowLimit,
		BlockSoft: int(s.BlockSoft), BlockHard: int(s.BlockHard),
		Linger: s.Linger, Tick: s.Tick, NoPace: s.NoPace,
	}
}

// autoDepth bounds the writes in flight where the log chooses their number.
const autoDepth = 32

// PathDepth is the depth to open the Path of a Spec with. With depth=auto, a
// way of writing that has a thread in each write stays at one, which its
// reaper's goroutine does itself: on a disk of 100 µs every hand-off costs more
// than a second write in flight gains. A simulated volume is slow enough for
// the threads.
func PathDepth(s iopath.Spec) int {
	switch {
	case s.Depth > 0:
		return s.Depth
	case s.Scheme == iopath.SchemeUring || s.Simulated():
		return autoDepth
	}
	return 1
}
