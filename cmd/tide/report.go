package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/export"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/rows"
)

func init() {
	register("report", "Make pages, tables and files for other programs of results that are there.", &reportCmd{})
}

// reportCmd is `tide report`.
type reportCmd struct {
	Dir    []string `arg:"" help:"Directories of trials or matrices, or that hold some."`
	Format string   `help:"html makes figures and a page in each directory, and one over several trials, and prints their paths; table is for the terminal; csv and parquet have a row for each phase of a trial and each trial of a matrix; benchfmt is what benchstat reads." enum:"html,table,csv,parquet,benchfmt" default:"html" placeholder:"html|table|csv|parquet|benchfmt"`
	Out    string   `help:"File that table, csv, parquet or benchfmt is written to, by default standard output; of html the page over several trials, by default report.html in the directory that holds them, or in the present one." placeholder:"FILE"`
	Prices string   `help:"Price book (YAML) in place of the built-in one, for what a GiB costs on the page of a matrix." placeholder:"FILE"`
}

// Help is printed below the flags' text.
func (c *reportCmd) Help() string {
	return "What is broken is named and left out; exit code 1: all of it is. 3: done, but a verdict is INVALID."
}

// Run reads, writes, and names what was left out.
func (c *reportCmd) Run(_ context.Context, std *stdio) error {
	var places []rows.Place
	for _, dir := range c.Dir {
		if err := wantDirectory(dir); err != nil {
			return usageError{err}
		}
		found, err := rows.Find(dir)
		if err != nil && len(c.Dir) == 1 {
			return err
		}
		if err != nil { // one of several is left out as what is broken
			found = []rows.Place{{Dir: dir, Err: err}}
		}
		places = append(places, found...)
	}
	if c.Format == "html" {
		return c.pages(std, places)
	}
	table := rows.ReadPlaces(places)
	if err := table.Check(); err != nil {
		return err
	}
	if err := c.write(std, table, places); err != nil {
		return err
	}
	for _, r := range table.Rows {
		if r.Verdict == rows.Broken {
			fmt.Fprintln(std.err, "tide: warning:", r.Warnings[0])
		}
	}
	return invalid(table.Invalid())
}

// invalid is the verb's outcome when something was.
func invalid(is bool) error {
	if is {
		return errInvalid
	}
	return nil
}

// write goes through memory: a file that is cut short would be taken for whole.
func (c *reportCmd) write(std *stdio, t rows.Table, places []rows.Place) error {
	var buf bytes.Buffer
	var err error
	switch c.Format {
	case "csv":
		err = export.CSV(&buf, t)
	case "parquet":
		err = export.Parquet(&buf, t)
	case "benchfmt":
		err = export.Bench(&buf, t)
	default:
		err = printTable(&buf, t, places)
	}
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = std.out.Write(buf.Bytes())
		return err
	}
	return os.WriteFile(c.Out, buf.Bytes(), 0o644)
}

// printTable shows one trial in full, and more of them in a line each.
func printTable(w io.Writer, t rows.Table, places []rows.Place) error {
	if len(places) > 1 || places[0].Matrix {
		report.Many(w, t)
		return nil
	}
	trial, err := results.Load(places[0].Dir)
	if err != nil {
		return err
	}
	report.Table(w, trial)
	return nil
}

// pages makes what each directory holds beside its record, and one page over
// several trials.
func (c *reportCmd) pages(std *stdio, places []rows.Place) error {
	book, err := cost.Read(c.Prices)
	if err != nil {
		return usageError{err}
	}
	together, made, anyInvalid := report.NewOverlay(), 0, false
	var broken []error
	for _, p := range places {
		path, isInvalid, err := makePage(p, together, book)
		if err != nil {
			broken = append(broken, err)
			together.Skip(p.Dir, err)
			fmt.Fprintln(std.err, "tide: warning: left out:", err)
			continue
		}
		made, anyInvalid = made+1, anyInvalid || isInvalid
		fmt.Fprintln(std.out, path)
	}
	if made == 0 {
		return errors.Join(append([]error{rows.ErrNothing}, broken...)...)
	}
	if together.Len() > 1 {
		path := c.overlay()
		if err := together.Write(path); err != nil {
			return err
		}
		fmt.Fprintln(std.out, path)
	}
	return invalid(anyInvalid)
}

// overlay is where the page over several trials lies: in the directory that
// holds them all, or where it was asked for.
func (c *reportCmd) overlay() string {
	switch {
	case c.Out != "":
		return c.Out
	case len(c.Dir) == 1:
		return filepath.Join(c.Dir[0], "report.html")
	}
	return "report.html"
}

// makePage of one trial or matrix. A trial joins the others.
func makePage(p rows.Place, together *report.Overlay, book cost.Book) (path string, isInvalid bool, err error) {
	if p.Err != nil {
		return "", false, p.Err
	}
	if p.Matrix {
		return matrixPage(p.Dir, book)
	}
	trial, err := results.Load(p.Dir)
	if err != nil {
		return "", false, err
	}
	if path, err = report.Write(trial); err != nil {
		return "", false, err
	}
	together.Add(trial)
	return path, trial.Run.Verdict.Word == results.Invalid, nil
}

// matrixPage has the figure that is made of this matrix, if there is one.
func matrixPage(dir string, book cost.Book) (path string, isInvalid bool, err error) {
	run, err := results.LoadMatrix(dir)
	if err != nil {
		return "", false, err
	}
	page := report.Matrix{Run: run, Prices: &book}
	for _, f := range figures.OfMatrices() {
		if f.Matrix != run.Header.Name {
			continue
		}
		f = f.With(book)
		page.Title, page.Outcomes = f.Title, f.Check(run)
		if page.Drawn, err = f.Draw(run); err != nil && !errors.Is(err, figures.ErrNoData) {
			return "", false, err
		}
	}
	path, err = page.Write()
	return path, rows.Table{Rows: rows.OfMatrix(run)}.Invalid(), err
}
