package doctor

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/tidelog/tide/results"
)

// metadataService is the address at which every EC2 instance finds its own.
const metadataService = "http://169.254.169.254"

// New is the real machine, with a WAL to be at path.
func New(path string) *System {
	s := &System{
		Path:     path,
		IOUring:  func() string { return results.Kernel().IOUring },
		Program:  program,
		Metadata: instanceMetadata(metadataService),
		Pause:    pause,
	}
	s.setPlatform()
	return s
}

func program(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("no such program in PATH")
	}
	return string(out), err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
