package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoCheckout says what a target of other people's programs needs.
var errNoCheckout = errors.New("there is no checkout of tide's repository above the working directory or the binary: " +
	"run tide inside of one, where scripts/deps installs Apache Kafka and an S3 server")

// home is the repository's root: the scripts start other people's programs,
// which lie in its bin/deps.
func home() (string, error) {
	var from []string
	if wd, err := os.Getwd(); err == nil {
		from = append(from, wd)
	}
	if self, err := os.Executable(); err == nil {
		from = append(from, filepath.Dir(self))
	}
	for _, dir := range from {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "scripts", "kafka", "serve")); err == nil {
				return dir, nil
			}
		}
	}
	return "", errNoCheckout
}

// Prepare installs what the target needs and the machine lacks, and fails with
// one line where that cannot be had. It is called before any load starts.
// What is installed is told to progress.
func (s Spec) Prepare(ctx context.Context, progress io.Writer) error {
	what := s.needs()
	if what == "" {
		return nil
	}
	root, err := home()
	if err != nil {
		return fmt.Errorf("target %s: %w", s.Text, err)
	}
	// Nothing is done, and no registry asked, when all is there.
	cmd := exec.CommandContext(ctx, filepath.Join(root, "scripts", "deps"), what)
	endWithItsChildren(cmd)
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(&said, progress)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("target %s: scripts/deps %s, which installs what it needs: %w: %s", s.Text, what, err, lastLine(said.String()))
	}
	return nil
}

// Missing is what Prepare would install, a line each; empty where all is there.
// It installs nothing.
func (s Spec) Missing(ctx context.Context) ([]string, error) {
	what := s.needs()
	if what == "" {
		return nil, nil
	}
	root, err := home()
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", s.Text, err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "scripts", "deps"), "--dry", what)
	var said, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("target %s: scripts/deps --dry %s: %w: %s", s.Text, what, err, lastLine(errs.String()))
	}
	return strings.FieldsFunc(said.String(), func(r rune) bool { return r == '\n' }), nil
}

// needs names what scripts/deps is to install.
func (s Spec) needs() string {
	beside, _ := s.beside()
	switch {
	case s.Kind == Kafka || s.Kind == KafkaTiered:
		return "kafka"
	case beside.Server != "":
		return "s3"
	}
	return ""
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
