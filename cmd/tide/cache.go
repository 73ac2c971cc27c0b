package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tidelog/tide/cacheexp/trace"
)

func init() {
	register("cache", "Look into what was asked of a block cache.", &cacheCmd{})
}

// cacheCmd is `tide cache`.
type cacheCmd struct {
	Sim   cacheSimCmd   `cmd:"" help:"Put a trace's requests to eviction policies and count what they miss."`
	Trace cacheTraceCmd `cmd:"" help:"Sum up what tide broker --trace has recorded, or convert it."`
	Gen   cacheGenCmd   `cmd:"" help:"Make a trace."`
}

// cacheTraceCmd is `tide cache trace`.
type cacheTraceCmd struct {
	File string `arg:"" help:"Recording of tide broker --trace."`
	To   string `help:"Convert the readers' requests to csv (time,obj_id,obj_size) or oracleGeneral (24-byte records), both as libCacheSim reads them, and write them to OUT." placeholder:"FORMAT" enum:",csv,oracleGeneral" default:""`
	Out  string `arg:"" optional:"" help:"With --to: the file to write. One that is there is replaced."`
	JSON bool   `name:"json" help:"Print one JSON object instead of text."`
}

// Run prints a summary, or the number of requests converted.
func (c *cacheTraceCmd) Run(_ context.Context, std *stdio) error {
	if (c.To == "") != (c.Out == "") {
		return usageError{errors.New("--to FORMAT and OUT belong together")}
	}
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	if c.To != "" {
		return c.convert(std, in)
	}
	s, err := trace.Summarize(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(s)
	}
	s.Print(std.out)
	return nil
}

func (c *cacheTraceCmd) convert(std *stdio, in *os.File) error {
	if same(in, c.Out) {
		return usageError{fmt.Errorf("%s is the trace itself: name another file", c.Out)}
	}
	if err := replaceable(c.Out); err != nil {
		return usageError{err}
	}
	var t trace.Totals
	err := replaceFile(c.Out, func(out *os.File) (err error) {
		if t, err = trace.Convert(in, c.To, out); err != nil {
			err = fmt.Errorf("%s: %w", c.File, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	warnLost(c.File, t.Lost, t.Accesses)
	if c.JSON {
		return json.NewEncoder(std.out).Encode(map[string]any{"requests": t.Accesses, "lost": t.Lost, "format": c.To})
	}
	fmt.Fprintf(std.out, "%d requests\n", t.Accesses)
	return nil
}

// same says whether the name is that of the open file.
func same(f *os.File, name string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(name)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
