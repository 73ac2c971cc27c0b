package itest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Deadlines for a busy machine of two cores. Nothing asserts on them as a
// measure of speed: they only keep a broken broker from hanging the run.
const (
	readyWithin  = 60 * time.Second
	stopWithin   = 60 * time.Second
	clientWithin = 120 * time.Second
)

// process is one run of `tide broker`.
type process struct {
	Kafka, Admin string // HOST:PORT as the ready line gives them

	cmd    *exec.Cmd
	out    *readyWriter
	stderr *logBuffer
	exited chan struct{} // closed when the process is gone; err is set then
	err    error
}

// small are the settings that make uploads, trims and laps of the ring happen
// within seconds: 64 MiB of WAL, an upload each 2 MiB or half a second. What
// more says of a flag replaces what stands here.
func small(dir string, more ...string) []string {
	defaults := [][2]string{
		{"--listen", "127.0.0.1:0"},
		{"--admin", "127.0.0.1:0"},
		{"--data", dir},
		{"--wal", "pwrite:" + filepath.Join(dir, "wal") + "?capacity=64MiB"},
		{"--log-cache", "16MiB"},
		{"--block-cache", "16MiB"},
		{"--upload-threshold", "2MiB"},
		{"--upload-interval", "500ms"},
	}
	var args []string
	for _, d := range defaults {
		if !slices.Contains(more, d[0]) {
			args = append(args, d[:]...)
		}
	}
	return append(args, more...)
}

// start runs a broker on dir and waits for its ready line. It is killed at the
// end of the test if it still runs.
func start(t *testing.T, dir string, more ...string) *process {
	t.Helper()
	p := spawn(t, small(dir, more...))
	require.NoError(t, p.waitReady(), "stderr:\n%s", p.stderr)
	return p
}

// spawn starts the process and watches its stdout, without waiting for it.
func spawn(t *testing.T, args []string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(*tide, append([]string{"broker"}, args...)...), stderr: &logBuffer{}, exited: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	p.cmd.SysProcAttr = dieWithParent()
	p.cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	p.out = newReadyWriter()
	p.cmd.Stdout = p.out
	require.NoError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("stderr of the broker (pid %d):\n%s", p.cmd.Process.Pid, p.stderr)
		}
	})
	return p
}

// ready matches the one line of stdout.
var ready = regexp.MustCompile(`(?m)^ready kafka=(\S+) admin=(\S+)$`)

func (p *process) waitReady() error {
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	select {
	case m := <-p.out.found:
		p.Kafka, p.Admin = m[0], m[1]
		return nil
	case <-p.exited:
		return fmt.Errorf("the broker ended before it was ready: %w", p.err)
	case <-limit.C:
		return fmt.Errorf("not ready within %v", readyWithin)
	}
}

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone already
	<-p.exited
}

// stop is SIGTERM: the broker uploads what its WAL holds and ends with 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.wait(stopWithin), "SIGTERM must end the broker with exit code 0; stderr:\n%s", p.stderr)
}

// wait returns how the process ended.
func (p *process) wait(d time.Duration) error {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-p.exited:
		return p.err
	case <-limit.C:
		p.kill()
		return fmt.Errorf("still running after %v", d)
	}
}

// readyWriter is the broker's stdout: it finds the ready line.
type readyWriter struct {
	text  logBuffer
	once  sync.Once
	found chan [2]string // capacity 1: kafka and admin addresses
}

func newReadyWriter() *readyWriter { return &readyWriter{found: make(chan [2]string, 1)} }

func (w *readyWriter) Write(b []byte) (int, error) {
	n, err := w.text.Write(b)
	if m := ready.FindStringSubmatch(w.text.String()); m != nil {
		w.once.Do(func() { w.found <- [2]string{m[1], m[2]} })
	}
	return n, err
}

// logBuffer collects output that is written and read by different goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines are the non-empty lines so far.
func (l *logBuffer) lines() []string {
	var out []string
	for s := bufio.NewScanner(bytes.NewBufferString(l.String())); s.Scan(); {
		if s.Text() != "" {
			out = append(out, s.Text())
		}
	}
	return out
}

// target is the address that client scenarios drive: -against, or a broker of
// this test's own.
func target(t *testing.T) string {
	t.Helper()
	if *against != "" {
		return *against
	}
	return start(t, t.TempDir()).Kafka
}

// run runs a client program to its end and returns its stdout.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewBufferString(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s %q\nstdout:\n%s\nstderr:\n%s", name, args, &stdout, &stderr)
	return stdout.String()
}

// topic is a name that no other test or run uses.
func topic(t *testing.T) string {
	return fmt.Sprintf("itest-%s-%d", regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-"), time.Now().UnixNano())
}
