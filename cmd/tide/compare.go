package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/compare"
)

func init() {
	register("compare", "Compare two sets of trials: ratio, interval, p, and what is only noise.", &compareCmd{})
}

// compareCmd is `tide compare`.
type compareCmd struct {
	A            string `arg:"" help:"Directory of a trial, of the repeats of one configuration, or of a matrix."`
	B            string `arg:"" help:"Likewise; what is compared with A."`
	AllowEnvDiff bool   `help:"Compare although machine, device or build differ; the differences stay in the output as warnings."`
	Seed         uint64 `help:"Seed of the bootstrap." default:"1" placeholder:"N"`
	JSON         bool   `name:"json" help:"Print one JSON object with all metrics instead of tables of the main ones."`
}

// Help is printed below the flags' text.
func (c *compareCmd) Help() string {
	return "Exit code 1: refused, as the environments differ, or nothing can be compared. 3: compared, but INVALID trials were left out."
}

// Run compares and prints.
func (c *compareCmd) Run(_ context.Context, std *stdio) error {
	for _, dir := range []string{c.A, c.B} {
		if err := wantDirectory(dir); err != nil {
			return usageError{err}
		}
	}
	r, err := compare.Dirs(c.A, c.B, compare.Options{AllowEnvDiff: c.AllowEnvDiff, Seed: c.Seed})
	if errors.Is(err, compare.ErrKinds) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(std.out).Encode(r)
	} else {
		compare.Print(std.out, r)
	}
	if err == nil && r.Verdict == results.Invalid {
		return errInvalid
	}
	return err
}

// wantDirectory says what is wrong with an argument before anything is read.
func wantDirectory(dir string) error {
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		return fmt.Errorf("%s is no directory: name the one that holds it", dir)
	}
	return err
}
