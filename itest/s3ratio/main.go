package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3ratio:", err)
		os.Exit(1)
	}
}

// dispatch runs what a child is started as, or else the comparison.
func dispatch(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "replay":
		return replay.Run(ctx, in, out, noDriver)
	case "broker":
		return runBare(ctx, args[1:], out)
	}
	cfg, err := parseConfig(args)
	if err != nil {
		return err
	}
	return compare(ctx, cfg, out)
}

func noDriver([]byte, load.Config) (load.Config, error) {
	return load.Config{}, errors.New("driver files are not read here")
}
