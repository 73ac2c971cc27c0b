package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// child is a process that can be started again and again on the same data. Its
// methods are for one goroutine, except ended, LastWords and Usage.
type child struct {
	what        string // in messages: "the broker"
	limits      *limits
	stopTimeout time.Duration
	termed      bool     // that SIGTERM ended it is in order, as with a JVM
	beside      *store   // ends after it; nil: none
	log         *os.File // takes what it says on stderr; closed by Stop

	mu   sync.Mutex
	run  *running // guarded by mu: nil when dead
	past Usage    // guarded by mu: of the processes that have ended
}

// running is one life of the process.
type running struct {
	cmd   *exec.Cmd
	tail  *tailWriter
	ended chan struct{} // closed after Wait
	state error         // after ended
}

// openChild opens the log; name is the file.
func openChild(what, name string, l *limits, stop time.Duration) (*child, error) {
	log, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &child{what: what, limits: l, stopTimeout: stop, log: log}, nil
}

// ready says when a life serves. One goroutine tells it every line of stdout,
// another one waits for the outcome.
type ready interface {
	line(text string)
	// await returns when the process serves, or with ctx.
	await(ctx context.Context) error
}

// launch starts a life and returns once it serves; a life that does not is
// ended. What it said is in the error.
func (c *child) launch(ctx context.Context, cmd *exec.Cmd, is ready, timeout time.Duration) error {
	if c.current() != nil {
		return fmt.Errorf("restart: %s is still running", c.what)
	}
	r := &running{cmd: cmd, ended: make(chan struct{}), tail: &tailWriter{file: c.log}}
	cmd.Stderr, cmd.SysProcAttr = r.tail, dieWithParent()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.limits.start(cmd); err != nil {
		return fmt.Errorf("%s %w: %w", c.what, ErrNotReady, err)
	}
	go r.watch(stdout, is)
	if err := c.awaitReady(ctx, r, is, timeout); err != nil {
		_ = cmd.Process.Kill() // it may be gone already
		<-r.ended
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run = r
	return nil
}

// watch reads stdout up to its end and then waits for the process: Wait must
// not come before the pipe is drained.
func (r *running) watch(stdout io.Reader, is ready) {
	in := bufio.NewScanner(stdout)
	for in.Scan() {
		is.line(in.Text())
	}
	_, _ = io.Copy(io.Discard, stdout) // behind a line that is too long for a Scanner
	r.state = r.cmd.Wait()
	close(r.ended)
}

func (c *child) awaitReady(ctx context.Context, r *running, is ready, timeout time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- is.await(limited) }()
	select {
	case err := <-served:
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s %w: %w", c.what, ErrNotReady, ctx.Err())
		}
		return fmt.Errorf("%s %w within %v: %s", c.what, ErrNotReady, timeout, r.tail.message())
	case <-r.ended:
		// It says it better than is, which ends with its context.
		return fmt.Errorf("%s %w: %s%s", c.what, ErrNotReady, r.tail.message(), c.limits.hint(r.state))
	}
}

func (c *child) current() *running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run
}

// Ended is closed when the present process ends, by whatever cause. Nil when
// there is none.
func (c *child) Ended() <-chan struct{} {
	if r := c.current(); r != nil {
		return r.ended
	}
	return nil
}

// LastWords is what the process said on stderr at its end.
func (c *child) LastWords() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil {
		return "it is not running"
	}
	return c.run.tail.message()
}

// Kill ends the process with SIGKILL, as a crash would, and waits until the
// kernel has taken it down.
func (c *child) Kill() error {
	r := c.current()
	if r == nil {
		return fmt.Errorf("kill: %s is not running", c.what)
	}
	err := r.cmd.Process.Signal(syscall.SIGKILL)
	<-r.ended
	c.bury(r)
	return err
}

// Stop asks the process to end (SIGTERM) and waits; after stopTimeout it is
// killed, and that is an error. A dead one is no error. The store beside it ends
// after it, for it may have something to put. The log is closed.
func (c *child) Stop() error {
	defer c.limits.close()
	defer c.log.Close()
	return errors.Join(c.end(), c.beside.stop())
}

func (c *child) end() error {
	r := c.current()
	if r == nil {
		return nil
	}
	defer c.bury(r)
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	timeout := time.NewTimer(c.stopTimeout)
	defer timeout.Stop()
	select {
	case <-r.ended:
	case <-timeout.C:
		_ = r.cmd.Process.Kill()
		<-r.ended
		return fmt.Errorf("%s did not stop within %v and was killed: %s", c.what, c.stopTimeout, r.tail.message())
	}
	if r.state != nil && !(c.termed && isTerm(r.cmd.ProcessState)) {
		return fmt.Errorf("%s ended with %w: %s", c.what, r.state, r.tail.message())
	}
	return nil
}

// isTerm says whether a process ended because of SIGTERM, by the kernel's hand
// or, with the code of a shell, by its own.
func isTerm(s *os.ProcessState) bool {
	ws, ok := s.Sys().(syscall.WaitStatus)
	return ok && (ws.Signaled() && ws.Signal() == syscall.SIGTERM || ws.ExitStatus() == 128+int(syscall.SIGTERM))
}

// bury adds a dead process's cost to the account.
func (c *child) bury(r *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run != r {
		return
	}
	c.run = nil
	u := usageOf(r.cmd.ProcessState)
	u.PeakMemory = c.limits.peak()
	c.past = c.past.plus(u)
}

// Usage up to now, over all lives.
func (c *child) Usage() Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil {
		return c.past
	}
	u := usageOfPID(c.run.cmd.Process.Pid)
	u.PeakMemory = c.limits.peak()
	return c.past.plus(u)
}
