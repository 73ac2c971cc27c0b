package fault

import (
	"bytes"
	"sync"

	"github.com/tidelog/tide/iopath"
)

// Recorder keeps what happened to a device, in order:
//
//	submit 0 @8192 +3 blocks · submit 1 @20480 +1 · complete 1 · mark "ack 5" · complete 0 · …
//
// A write that was completed without an error is on the device; one that was
// not completed, or failed, may be there in any part of its 4 KiB blocks.
// Marks are the test's own events, such as an acknowledgement given to a
// client or a change to an object store, and lie on the same line of time.
//
// It holds a copy of every write, so it is for tests of some thousands. One
// Recorder serves several Paths on the same device, one after the other. A nil
// Recorder records nothing.
type Recorder struct {
	mu     sync.Mutex
	base   []byte // the device before the first event
	events []event
	writes []recorded
}

type eventKind int

const (
	submitted eventKind = iota
	completed
	marked
)

type event struct {
	kind eventKind
	id   int // of the write
	mark any
}

// recorded is a write as it was submitted.
type recorded struct {
	pos    int64
	data   []byte
	failed bool // completed, with an error
}

// NewRecorder starts from the content of the device, which it copies.
func NewRecorder(base []byte) *Recorder {
	return &Recorder{base: bytes.Clone(base)}
}

// Mark puts an event of the test's own on the line of time.
func (r *Recorder) Mark(mark any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{kind: marked, mark: mark})
}

// Events is the number of events so far, which is the number of moments at
// which CrashImages can cut, less one.
func (r *Recorder) Events() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func (r *Recorder) submit(w *iopath.Write) int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := len(r.writes)
	r.writes = append(r.writes, recorded{pos: w.Pos, data: bytes.Clone(w.Buf)})
	r.events = append(r.events, event{kind: submitted, id: id})
	return id
}

// complete is called before Done, so that what Done causes comes after.
func (r *Recorder) complete(id int, err error) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes[id].failed = err != nil
	r.events = append(r.events, event{kind: completed, id: id})
}
