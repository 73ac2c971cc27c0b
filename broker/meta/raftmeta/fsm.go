package raftmeta

import (
	"bufio"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"github.com/tidelog/tide/broker/meta"
)

// fsm is raft's view of the machine. raft calls Apply, Snapshot and Restore one
// at a time, on one goroutine.
type fsm struct {
	machine *meta.Machine
	fail    func(error)
	broken  error // an entry could not be applied: nothing behind it may be
}

// answer is what a proposal's future carries.
type answer struct {
	result meta.Result
	err    error
}

// Apply executes one committed entry. An entry that this version cannot read
// was written by a newer one, or is damaged: to pass over it would make this
// copy of the state differ from all others, so it stands still and says so.
func (f *fsm) Apply(l *raft.Log) any {
	if f.broken != nil {
		return answer{err: f.broken}
	}
	cmd, err := decodeEntry(l.Data)
	if err != nil {
		f.broken = fmt.Errorf("raftmeta: log entry %d of term %d: %w", l.Index, l.Term, err)
		f.fail(f.broken)
		return answer{err: f.broken}
	}
	res, err := f.machine.Apply(l.Index, cmd)
	return answer{result: res, err: err}
}

// Snapshot takes a copy here and has it written in the background.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	return snapshot{image: f.machine.Image()}, nil
}

// Restore replaces the state with a snapshot's.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	im, err := meta.DecodeImage(bufio.NewReader(r))
	if err != nil {
		return err
	}
	f.machine.Restore(im)
	return nil
}

type snapshot struct {
	image *meta.Image
}

// Persist writes the image; the sink makes it durable when it is closed, and
// only then does it count.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	w := bufio.NewWriterSize(sink, 1<<20)
	err := s.image.Encode(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		_ = sink.Cancel() // the error that matters is the one before
		return err
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot; the image is garbage from here on.
func (s snapshot) Release() {}
