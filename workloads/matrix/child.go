package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	stopWait  = 10 * time.Second // between the request to stop and the kill
	maxOutput = 1 << 20          // bytes of either stream that are kept
)

// childTimeout is generous: the first trial fills its file with zeros. What
// hangs beyond it is a failed trial, not a matrix that never ends.
func childTimeout(length time.Duration) time.Duration { return 2*time.Minute + 3*length }

// exitInvalid is what a command ends with that has measured, and judges that
// what it measured is not what was asked for.
const exitInvalid = 3

// errInvalid is wrapped by what such a command returns.
var errInvalid = errors.New("INVALID")

// runChild runs one command and returns the JSON object that it prints. The
// error has the command's own last line on stderr. A command that ends with
// exitInvalid gives both an object and an error.
func runChild(ctx context.Context, binary string, args []string, timeout time.Duration) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	// Asked first, so that it stops what it has started itself, such as fio.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	cmd.Env = environment()
	cmd.SysProcAttr = dieWithParent()
	out, errs := &head{}, &tail{}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("no end within %v: %s", timeout, errs.lastLine())
	case err != nil && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitInvalid:
		result, errJSON := decodeOne(&out.kept)
		return result, errors.Join(fmt.Errorf("%w: %s", errInvalid, errs.lastLine()), errJSON)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, errs.lastLine())
	}
	return decodeOne(&out.kept)
}

func decodeOne(in io.Reader) (map[string]any, error) {
	var result map[string]any
	dec := json.NewDecoder(in)
	if err := dec.Decode(&result); err != nil {
		return nil, fmt.Errorf("its output is no JSON object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it printed more than one JSON object")
	}
	return result, nil
}

// environment is ours without what sets flags: a trial is what its command says.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TIDE_") })
}

// head keeps the beginning of a stream. The buffer is no embedded field: its
// ReadFrom would be found in place of our Write.
type head struct{ kept bytes.Buffer }

// Write never fails, or the command would.
func (h *head) Write(p []byte) (int, error) {
	_, _ = h.kept.Write(p[:min(len(p), max(0, maxOutput-h.kept.Len()))])
	return len(p), nil
}

// tail keeps the last line that is not empty.
type tail struct{ last, open []byte }

// Write never fails, or the command would.
func (t *tail) Write(p []byte) (int, error) {
	for _, b := range p {
		switch {
		case b != '\n' && len(t.open) < maxOutput:
			t.open = append(t.open, b)
		case b == '\n' && len(bytes.TrimSpace(t.open)) > 0:
			t.last, t.open = t.open, t.last[:0]
		}
	}
	return len(p), nil
}

func (t *tail) lastLine() string {
	if rest := bytes.TrimSpace(t.open); len(rest) > 0 {
		return string(rest)
	}
	return string(bytes.TrimSpace(t.last))
}
