package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/tidelog/tide/workloads/target"
)

// Process is a reading that goes on.
type Process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser // held open as long as it is to read
	ended   chan struct{}
	outcome *Outcome // after ended; nil when it did not say
	err     error    // after ended: of the process
}

// Counted is told what was read since the last time, by one goroutine.
type Counted func(records, bytes int64)

// Limits of a child.
const (
	maxLine     = 64 << 20         // bytes: as many gaps as a reader remembers have less
	stopTimeout = 20 * time.Second // to say what it has read, on a busy machine
)

// Start starts `tide replay`. binary is the path of tide.
func Start(binary string, spec Spec, counted Counted) (*Process, error) {
	what, err := spec.marshal()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(binary, "replay"), ended: make(chan struct{})}
	p.cmd.Stderr, p.cmd.SysProcAttr = os.Stderr, target.DieWithParent()
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	go p.watch(out, counted)
	if _, err := p.in.Write(what); err != nil {
		_, stopped := p.Stop()
		return nil, errors.Join(fmt.Errorf("replay: %w", err), stopped)
	}
	return p, nil
}

// watch reads stdout up to its end, then waits for the process.
func (p *Process) watch(out io.Reader, counted Counted) {
	defer close(p.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	var last line
	var errs []error
	for lines.Scan() {
		var now line
		if err := json.Unmarshal(lines.Bytes(), &now); err != nil {
			errs = append(errs, err)
			break
		}
		counted(now.Records-last.Records, now.Bytes-last.Bytes)
		last = now
	}
	errs = append(errs, lines.Err())
	_, _ = io.Copy(io.Discard, out) // so that it is not held up
	p.outcome = last.Done
	p.err = errors.Join(append(errs, p.cmd.Wait())...)
}

// Ended is closed when it is over.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait returns when it is over by itself, or with ctx's error.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop ends it, if it still goes on, and says what came of it. It may be called
// again.
func (p *Process) Stop() (Outcome, error) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	late := time.AfterFunc(stopTimeout, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	<-p.ended
	_ = p.in.Close()
	if p.outcome == nil {
		return Outcome{}, fmt.Errorf("the process that reads ended without saying what it read: %w", errors.Join(p.err, io.ErrUnexpectedEOF))
	}
	o := *p.outcome
	o.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	return o, nil
}
