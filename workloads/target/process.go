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
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Of a broker that is started by its Spec.
const (
	// walCapacity of a WAL that is not given one: the broker's own default.
	walCapacity = "2GiB"
	// stopTimeout is how long an upload of what is left may take.
	stopTimeout = 3 * time.Minute
)

// ErrNotReady is wrapped when a process ends, or says nothing, before it serves.
// What it is stands before it.
var ErrNotReady = errors.New("did not start")

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
	// Env is added to the environment, such as credentials of a store.
	Env []string
	// StopTimeout is how long it may take to upload what is left and to close.
	// Default 30 s.
	StopTimeout time.Duration

	limits *limits // of CPUs and memory; nil: none
	beside *store  // where its objects are, if it was started for it
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

// Process is a broker of tide's that was started. Its methods are for one
// goroutine, except Metrics, Usage, Ended and the addresses.
type Process struct {
	*child
	cfg   Config
	kafka string // fixed by the first start
	admin string
	named bool // kafka and admin are set
}

// Start runs the broker and returns once it serves. When it does not, the
// error carries what the broker said.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	cfg = cfg.withDefaults()
	c, err := openChild("the broker", cfg.Log, cfg.limits, cfg.StopTimeout)
	if err != nil {
		return nil, err
	}
	c.beside = cfg.beside
	p := &Process{child: c, cfg: cfg, kafka: cfg.Listen, admin: "127.0.0.1:0"}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Kafka is the address for clients.
func (p *Process) Kafka() string { return p.kafka }

// Admin is the address of metrics and admin requests.
func (p *Process) Admin() string { return p.admin }

func (p *Process) start(ctx context.Context) error {
	args := append([]string{"broker", "--listen", p.kafka, "--admin", p.admin}, p.cfg.Args...)
	cmd := exec.Command(p.cfg.Binary, args...)
	cmd.Env = append(withoutFlags(os.Environ()), p.cfg.Env...)
	is := newReadyLine("kafka")
	if err := p.launch(ctx, cmd, is, p.cfg.ReadyTimeout); err != nil {
		return err
	}
	// A restart is told the addresses of the first start; whoever reads metrics at
	// that moment reads them.
	if !p.named {
		p.kafka, p.admin, p.named = is.at, is.admin, true
	}
	return nil
}

// Restart starts a dead broker on the same data and the same addresses, and
// returns once it serves again.
func (p *Process) Restart(ctx context.Context) error { return p.start(ctx) }

// withoutFlags drops TIDE_<FLAG>: what a person has set for the verb that
// measures must not change the broker behind the back of the result.
func withoutFlags(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "TIDE_") })
}

// readyLine waits for the line that tide says when it serves.
type readyLine struct {
	name  string // of the address that is served at: kafka=HOST:PORT
	said  chan [2]string
	at    string // after await, as is the next
	admin string
}

func newReadyLine(name string) *readyLine {
	return &readyLine{name: name, said: make(chan [2]string, 1)}
}

func (r *readyLine) line(text string) {
	if at, admin, ok := parseReady(text, r.name); ok {
		select {
		case r.said <- [2]string{at, admin}:
		default: // said twice
		}
	}
}

func (r *readyLine) await(ctx context.Context) error {
	select {
	case said := <-r.said:
		r.at, r.admin = said[0], said[1]
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parseReady reads "ready NAME=HOST:PORT admin=HOST:PORT".
func parseReady(line, name string) (at, admin string, ok bool) {
	rest, ok := strings.CutPrefix(line, "ready ")
	if !ok {
		return "", "", false
	}
	for _, f := range strings.Fields(rest) {
		if v, is := strings.CutPrefix(f, name+"="); is {
			at = v
		}
		if v, is := strings.CutPrefix(f, "admin="); is {
			admin = v
		}
	}
	return at, admin, at != "" && admin != ""
}
