package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/cacheexp/gen"
)

// cacheGenCmd is `tide cache gen`.
type cacheGenCmd struct {
	Spec string `arg:"" help:"zipf?alpha=1&objects=1e6&requests=1e7&rate=10000 (requests a second); scanmix?alpha=1&objects=1e5&cold=1e6&scan=0.3&scans=4&requests=1e6&rate=10000; log?streams=16&rate=64MiB/s&duration=1m&backlog=4GiB&upload=1s&groups=3&lag=2s&catchup=4&speed=2. Each takes block=64KiB..1MiB, seed=1 and format=tide|csv|oracleGeneral."`
	Out  string `arg:"" help:"File to write. One that is there is replaced."`
	JSON bool   `name:"json" help:"Print one JSON object instead of text."`
}

// Run writes the trace and prints how many requests it has.
func (c *cacheGenCmd) Run(ctx context.Context, std *stdio) error {
	g, err := gen.New(c.Spec)
	if err != nil {
		return usageError{err}
	}
	if err := replaceable(c.Out); err != nil {
		return usageError{err}
	}
	var n int64
	err = replaceFile(c.Out, func(out *os.File) error {
		n, err = g.Write(out, ctx.Err)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(map[string]any{"requests": n, "format": g.Format})
	}
	fmt.Fprintf(std.out, "%d requests\n", n)
	return nil
}

// replaceFile writes a file beside name and puts it in name's place when all of it
// was written.
func replaceFile(name string, write func(*os.File) error) error {
	out, err := os.CreateTemp(filepath.Dir(name), ".trace-*")
	if err != nil {
		return err
	}
	if err := errors.Join(write(out), out.Chmod(0o644), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	if err := os.Rename(out.Name(), name); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// replaceable refuses what must not be replaced by a file: a folder, a device, a
// pipe. It is asked before the work is done. A name that cannot be looked at is not
// refused: what is wrong with it is found out when the file is made.
func replaceable(name string) error {
	if at, err := os.Stat(name); err == nil && !at.Mode().IsRegular() {
		return fmt.Errorf("%s is no file (%v): name one, for it is replaced when the trace is whole", name, at.Mode().Type())
	}
	return nil
}
