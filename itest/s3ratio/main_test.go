package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also what children are started as: this test's binary stands in
// for the program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "broker" || os.Args[1] == "replay") {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := dispatch(ctx, os.Args[1:], os.Stdin, os.Stdout)
		stop()
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// built is a file below bin/ of the repository.
func built(path ...string) string {
	return filepath.Join(append([]string{"..", "..", "bin"}, path...)...)
}
