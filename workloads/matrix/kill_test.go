package matrix

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// What makes the test binary play a matrix that can be killed, and its trials.
const (
	envKillOut    = "MATRIX_KILL_OUT"    // directory of the matrix
	envKillSocket = "MATRIX_KILL_SOCKET" // where a trial says that it runs, and waits until it may end
)

// killed is a matrix of 18 trials, of both kinds.
const killed = `
name: killed
workloads: [tail-2k]
axes: {prefetch: [fixed], object-block: [64KiB, 1MiB, 4MiB], policy: [lru, fifo]}
constraints: ["policy == lru"]
repeats: 5
aa: true
`

// runToBeKilled is the whole process of a matrix: its binary is this one.
func runToBeKilled(out string) int {
	self, err := os.Executable()
	if err == nil {
		var m Matrix
		if m, err = Parse([]byte(killed), false); err == nil {
			var p Plan
			if p, err = m.Plan(); err == nil {
				err = p.Run(context.Background(), Config{Binary: self, Out: out, Progress: &silent{}, Logger: slog.New(slog.DiscardHandler)})
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// announce is called by a trial: it says what it is and waits for leave to go
// on. Meanwhile its directory, and one like a broker's data, lie there half done.
func announce(args []string) {
	socket := os.Getenv(envKillSocket)
	if socket == "" {
		return
	}
	half := filepath.Join(args[5], fmt.Sprintf(".bench-data-%d", os.Getpid()))
	_ = os.MkdirAll(half, 0o755)
	conn, err := net.Dial("unix", socket)
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(conn, strings.Join(args, " "))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		os.Exit(1)
	}
	_ = os.RemoveAll(half)
}

// TestKill9: a matrix that is killed at random points goes on; at most the trial
// that ran is repeated, and nothing of it is left behind.
func TestKill9(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	k := newKiller(t, rand.New(rand.NewPCG(seed, 0)))
	kills := 0
	for k.done() < len(k.plan.Trials) {
		if k.life() {
			kills++
		}
		require.Less(t, kills, 100, "it makes no headway")
	}
	require.Positive(t, kills)
	require.LessOrEqual(t, k.starts, len(k.plan.Trials)+kills, "only the trial that ran is repeated")

	run, err := results.LoadMatrix(k.out)
	require.NoError(t, err)
	require.Empty(t, run.Warnings)
	require.Empty(t, run.Failed())
	require.Len(t, run.Trials, len(k.plan.Trials))
	entries, err := os.ReadDir(filepath.Join(k.out, "trials"))
	require.NoError(t, err)
	require.Len(t, entries, len(k.plan.Trials), "trials that were cut short are gone")
	require.NoDirExists(t, filepath.Join(k.out, ".wal-under-test"))
}

type killer struct {
	t      *testing.T
	rng    *rand.Rand
	plan   Plan
	out    string
	socket string
	trials chan net.Conn // those that run, of whichever life
	starts int
}

func newKiller(t *testing.T, rng *rand.Rand) *killer {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	k := &killer{t: t, rng: rng, plan: plan(t, killed), out: filepath.Join(dir, "out"), socket: l.Addr().String(), trials: make(chan net.Conn)}
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		k.accept(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-accepted
	})
	return k
}

func (k *killer) done() int { return k.plan.Status(k.out).Done }

// life starts the matrix and kills it during, or just after, one of the next
// trials. It returns false when it came to its end first.
func (k *killer) life() (wasKilled bool) {
	self, err := os.Executable()
	require.NoError(k.t, err)
	cmd := exec.CommandContext(k.t.Context(), self)
	cmd.Env = append(os.Environ(), envKillOut+"="+k.out, envKillSocket+"="+k.socket)
	cmd.Stderr = os.Stderr
	require.NoError(k.t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for left := k.rng.IntN(6); ; left-- {
		select {
		case err := <-ended:
			require.NoError(k.t, err)
			return false
		case conn := <-k.trials:
			k.starts++
			if left > 0 || k.rng.IntN(2) == 0 {
				_, _ = conn.Write([]byte{1}) // it ends, and its line is written, or is not
			}
			if left == 0 {
				require.NoError(k.t, cmd.Process.Kill())
				require.Error(k.t, <-ended)
				// The kernel ends the trial too: its end of the socket closes.
				_, _ = io.Copy(io.Discard, conn)
			}
			conn.Close()
			if left == 0 {
				return true
			}
		}
	}
}

// accept passes on the trials, one after the other. One that was killed just as
// it began may come in the life after: it has been started all the same.
func (k *killer) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
			conn.Close()
			continue
		}
		select {
		case k.trials <- conn:
		case <-k.t.Context().Done():
			conn.Close()
		}
	}
}
