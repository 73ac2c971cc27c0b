// Package target starts what is put under load, as a process of its own, and
// reads its metrics and its cost. It imports nothing of the broker: all it
// knows is the command line, the line that says ready, and the admin port.
//
//	Start ──"ready kafka=HOST:PORT admin=HOST:PORT"──▶ running
//	running ── Kill (SIGKILL) ──▶ dead ── Restart (same data, same addresses) ──▶ running
//	running ── Stop (SIGTERM, then SIGKILL after StopTimeout) ──▶ gone
//
// A process never outlives the one that started it: the kernel kills it when
// its parent dies (Linux).
package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Of a broker that is started by its Spec.
const (
	// walCapacity of a WAL that is not given one: the broker's own default.
	walCapacity = "2GiB"
	// stopTimeout is how long an upload of what is left may take.
	stopTimeout = 3 * time.Minute
)

// ErrNotReady is wrapped when a broker ends, or says nothing, before it serves.
var ErrNotReady = errors.New("the broker did not start")

// Config of one broker process.
type Config struct {
	// Binary is the path of tide, such as os.Executable(). Required.
	Binary string
	// Args follow "broker"; --listen and --admin must not be among them.
	Args []string
	// Log is the file to which the broker's stderr goes. Required.
	Log string
	// Listen is the Kafka address. Default 127.0.0.1:0, a free port.
	Listen string
	// ReadyTimeout is how long the broker may take until it serves, including
	// zero-filling a new WAL and recovering an old one. Default 60 s.
	ReadyTimeout time.Duration
	// StopTimeout is how long it may take to upload what is left and to close.
	// Default 30 s.
	StopTimeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.ReadyTimeout == 0 {
		c.ReadyTimeout = time.Minute
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 30 * time.Second
	}
	return c
}

// Process is a broker that was started. Its methods are for one goroutine,
// except Counters, Usage and the addresses.
type Process struct {
	cfg   Config
	kafka string // fixed by the first start
	admin string
	named bool // kafka and admin are set
	log   *os.File

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

// Start runs the broker and returns once it serves. When it does not, the
// error carries what the broker said.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	cfg = cfg.withDefaults()
	log, err := os.OpenFile(cfg.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	p := &Process{cfg: cfg, log: log, kafka: cfg.Listen, admin: "127.0.0.1:0"}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return p, nil
}

// Kafka is the address for clients.
func (p *Process) Kafka() string { return p.kafka }

// Admin is the address of metrics and admin requests.
func (p *Process) Admin() string { return p.admin }

func (p *Process) start(ctx context.Context) error {
	args := append([]string{"broker", "--listen", p.kafka, "--admin", p.admin}, p.cfg.Args...)
	r := &running{cmd: exec.Command(p.cfg.Binary, args...), ended: make(chan struct{})}
	r.tail = &tailWriter{file: p.log}
	r.cmd.Stderr = r.tail
	r.cmd.Env = withoutFlags(os.Environ())
	r.cmd.SysProcAttr = dieWithParent()
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	ready := make(chan [2]string, 1)
	go r.watch(stdout, ready)
	if err := p.awaitReady(ctx, r, ready); err != nil {
		_ = r.cmd.Process.Kill() // it may be gone already
		<-r.ended
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = r
	return nil
}

// withoutFlags drops TIDE_<FLAG>: what a person has set for the verb that
// measures must not change the broker behind the back of the result.
func withoutFlags(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "TIDE_") })
}

// watch reads stdout up to its end, tells of the ready line, and then waits
// for the process: Wait must not come before the pipe is drained.
func (r *running) watch(stdout io.Reader, ready chan<- [2]string) {
	in := bufio.NewScanner(stdout)
	for in.Scan() {
		if kafka, admin, ok := parseReady(in.Text()); ok {
			select {
			case ready <- [2]string{kafka, admin}:
			default: // said twice
			}
		}
	}
	r.state = r.cmd.Wait()
	close(r.ended)
}

// parseReady reads "ready kafka=HOST:PORT admin=HOST:PORT".
func parseReady(line string) (kafka, admin string, ok bool) {
	rest, ok := strings.CutPrefix(line, "ready ")
	if !ok {
		return "", "", false
	}
	for _, f := range strings.Fields(rest) {
		if v, is := strings.CutPrefix(f, "kafka="); is {
			kafka = v
		}
		if v, is := strings.CutPrefix(f, "admin="); is {
			admin = v
		}
	}
	return kafka, admin, kafka != "" && admin != ""
}

func (p *Process) awaitReady(ctx context.Context, r *running, ready <-chan [2]string) error {
	timeout := time.NewTimer(p.cfg.ReadyTimeout)
	defer timeout.Stop()
	select {
	case at := <-ready:
		// A restart is told the addresses of the first start; whoever reads
		// metrics at that moment reads them.
		if !p.named {
			p.kafka, p.admin, p.named = at[0], at[1], true
		}
		return nil
	case <-r.ended:
		return fmt.Errorf("%w: %s", ErrNotReady, r.tail.message())
	case <-timeout.C:
		return fmt.Errorf("%w within %v: %s", ErrNotReady, p.cfg.ReadyTimeout, r.tail.message())
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
	}
}

func (p *Process) current() *running {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Ended is closed when the present process ends, by whatever cause. Nil when
// there is none.
func (p *Process) Ended() <-chan struct{} {
	if r := p.current(); r != nil {
		return r.ended
	}
	return nil
}

// LastWords is what the process said on stderr at its end.
func (p *Process) LastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return "it is not running"
	}
	return p.run.tail.message()
}

// Kill ends the process with SIGKILL, as a crash would, and waits until the
// kernel has taken it down.
func (p *Process) Kill() error {
	r := p.current()
	if r == nil {
		return errors.New("kill: the broker is not running")
	}
	err := r.cmd.Process.Signal(syscall.SIGKILL)
	<-r.ended
	p.bury(r)
	return err
}

// Restart starts a dead broker on the same data and the same addresses, and
// returns once it serves again.
func (p *Process) Restart(ctx context.Context) error {
	if p.current() != nil {
		return errors.New("restart: the broker is still running")
	}
	return p.start(ctx)
}

// Stop asks the process to end (SIGTERM) and waits; after StopTimeout it is
// killed, and that is an error. A dead one is no error. The log is closed.
func (p *Process) Stop() error {
	defer p.log.Close()
	r := p.current()
	if r == nil {
		return nil
	}
	defer p.bury(r)
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	timeout := time.NewTimer(p.cfg.StopTimeout)
	defer timeout.Stop()
	select {
	case <-r.ended:
	case <-timeout.C:
		_ = r.cmd.Process.Kill()
		<-r.ended
		return fmt.Errorf("the broker did not stop within %v and was killed: %s", p.cfg.StopTimeout, r.tail.message())
	}
	if r.state != nil {
		return fmt.Errorf("the broker ended with %w: %s", r.state, r.tail.message())
	}
	return nil
}

// bury adds a dead process's cost to the account.
func (p *Process) bury(r *running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != r {
		return
	}
	p.run = nil
	p.past = p.past.plus(usageOf(r.cmd.ProcessState))
}
