package main

import (
	"context"
	"os"

	"github.com/tidelog/tide/workloads/driver"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
)

func init() {
	registerHidden("replay", "Read a log back at the lowest priority, for tide bench and tide demo.", &replayCmd{})
}

// replayCmd is `tide replay`: what it is to read comes on standard input.
type replayCmd struct{}

// Run reads until it is through, or until SIGTERM.
func (c *replayCmd) Run(ctx context.Context, std *stdio) error {
	if err := replay.Lowest(); err != nil {
		return err
	}
	return replay.Run(ctx, os.Stdin, std.out, func(file []byte, to load.Config) (load.Config, error) {
		d, err := driver.Parse(file)
		if err != nil {
			return to, err
		}
		return d.Apply(to), nil
	})
}
