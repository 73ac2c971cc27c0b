package figures

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/stats"
)

// MatrixFigure is a figure of the paper: a matrix, how its results are drawn,
// and what they are expected to be. Each is a file here that calls
// registerMatrix.
type MatrixFigure struct {
	ID       string // such as F1
	Matrix   string // name of the built-in matrix that it needs
	Title    string
	Expected []Expectation
	pictures func(*results.MatrixRun) ([]picture, error)
	priced   func(cost.Book) MatrixFigure // nil: no price is in it
}

// With is the figure by the prices of a book, where there are any in it.
func (f MatrixFigure) With(book cost.Book) MatrixFigure {
	if f.priced == nil {
		return f
	}
	return f.priced(book)
}

// Expectation is a number made of the results, and the range in which it was
// found to lie. Ranges are wide, and of ratios wherever that is possible: they
// shall hold on any machine that is not broken, and fail where the claim of the
// figure does.
type Expectation struct {
	What      string
	Low, High float64
	// Of computes the number; ErrNoData when the cells for it are missing.
	Of func(*results.MatrixRun) (float64, error)
}

// Outcome is an expectation compared with results.
type Outcome struct {
	Expectation
	Value float64
	Err   error // there is no value
}

// OK says whether there is a value, and in the range.
func (o Outcome) OK() bool { return o.Err == nil && o.Value >= o.Low && o.Value <= o.High }

// Later are the figures of the paper that nothing can make yet, and why.
var Later = map[string]string{
	"F7": "acknowledgements around a broker's death, and recovery over the log's bytes, wait for failover: there is no second broker yet to take over",
}

var matrixFigures []MatrixFigure

func registerMatrix(f MatrixFigure) {
	matrixFigures = append(matrixFigures, f)
	slices.SortFunc(matrixFigures, func(a, b MatrixFigure) int { return compareMatrices(a.Matrix, b.Matrix) })
}

// compareMatrices puts f10 behind f9: by length, and then by name.
func compareMatrices(a, b string) int {
	number := func(s string) string { return strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz") }
	return cmp.Or(cmp.Compare(len(number(a)), len(number(b))), strings.Compare(a, b))
}

// OfMatrices lists the figures that are made of matrices, in order.
func OfMatrices() []MatrixFigure { return slices.Clone(matrixFigures) }

// Check compares everything that is expected with the results.
func (f MatrixFigure) Check(run *results.MatrixRun) []Outcome {
	var out []Outcome
	for _, e := range f.Expected {
		v, err := e.Of(run)
		out = append(out, Outcome{e, v, err})
	}
	return out
}

// Draw makes the pictures of the figure and writes them into the run's
// directory, under figures/.
func (f MatrixFigure) Draw(run *results.MatrixRun) ([]Drawn, error) {
	pictures, err := f.pictures(run)
	if err != nil {
		return nil, fmt.Errorf("figure %s of %s: %w", f.ID, run.Dir, err)
	}
	var out []Drawn
	for _, p := range pictures {
		d, err := p.render()
		if err != nil {
			return nil, fmt.Errorf("figure %s of %s: %w", p.name, run.Dir, err)
		}
		out = append(out, d)
	}
	return out, write(run.Dir, out)
}

// half of a figure that shows a model and the real thing in a picture each.
type half struct {
	name, title string
	simulated   bool
}

// bySimulation makes the picture of each half that has cells.
func bySimulation(run *results.MatrixRun, of func(*results.MatrixRun, bool) []results.Cell,
	draw func(run *results.MatrixRun, cells []results.Cell, name, title string) (picture, error), halves ...half,
) ([]picture, error) {
	var out []picture
	for _, h := range halves {
		cells := of(run, h.simulated)
		if len(cells) == 0 {
			continue
		}
		pic, err := draw(run, cells, h.name, h.title)
		if err != nil {
			return nil, err
		}
		out = append(out, pic)
	}
	if len(out) == 0 {
		return nil, ErrNoData
	}
	return out, nil
}

// caption is what no picture of these cells must be quoted without.
func caption(run *results.MatrixRun, cells []results.Cell) []string {
	durability, models := map[string]bool{}, map[string]bool{}
	repeats := 0
	for _, c := range cells {
		durability[durabilityOf(c)] = true
		models[modelOf(c)] = true
		repeats = max(repeats, len(c.Trials))
	}
	e := run.Env
	where := fmt.Sprintf("on %s %s, write cache %s", e.Filesystem, e.Device.Name, e.Device.WriteCache)
	if delete(models, ""); len(models) > 0 {
		where = "SIMULATED: " + strings.Join(sortedKeys(models), ", ")
	}
	notes := []string{fmt.Sprintf("median of %d repeats, whiskers: min to max", repeats)}
	if aa, least, ok := stats.Noise(run.Arms(run.Header.Metric), run.Header.Seed); ok {
		note := fmt.Sprintf("A/A difference of %s: %.1f %%", run.Header.Metric, 100*aa)
		if !math.IsNaN(least) {
			note += fmt.Sprintf(", smallest detectable %.1f %%", 100*least)
		}
		notes = append(notes, note)
	}
	if n := len(run.Failed()); n > 0 {
		notes = append(notes, fmt.Sprintf("%d trials FAILED and are not shown", n))
	}
	if all := invalidCells(run); len(all) > 0 {
		notes = append(notes, "INVALID in every repeat, and not shown: "+strings.Join(all, ", "))
	}
	if run.Header.Quick {
		notes = append(notes, "QUICK: not quotable")
	}
	lines := wrap("durability " + strings.Join(sortedKeys(durability), ", ") + "  ·  " + where)
	lines = append(lines, fmt.Sprintf("%s, %d cores, Linux %s", cmp.Or(e.CPU.Model, "unknown CPU"), e.CPU.Cores, e.Kernel.Release))
	return append(lines, packed(notes)...)
}

// invalidCells are those of which no repeat counts since they are INVALID: a
// target that a load saturates is missing for that, not for want of a trial.
func invalidCells(run *results.MatrixRun) []string {
	shown, missing := map[string]bool{}, map[string]bool{}
	for _, c := range run.Cells() {
		shown[c.ID] = true
	}
	for _, t := range run.Trials {
		if t.Invalid() && !shown[t.Cell] {
			missing[t.Workload+" on "+targetName(cmp.Or(t.Settings["target"], onTide))] = true
		}
	}
	return sortedKeys(missing)
}

// captionWidth is what of a caption fits into the narrowest picture, in letters.
const captionWidth = 130

// wrap breaks a text at spaces: a model describes itself at some length, and
// none of it may be cut off.
func wrap(text string) []string {
	var lines []string
	for len(text) > captionWidth {
		at := strings.LastIndexByte(text[:captionWidth], ' ')
		if at <= 0 {
			break
		}
		lines = append(lines, strings.TrimRight(text[:at], " "))
		text = text[at+1:]
	}
	return append(lines, text)
}

// packed puts as many notes into a line as it takes.
func packed(notes []string) []string {
	const between = "  ·  "
	var lines []string
	line := ""
	for _, note := range notes {
		if line != "" && len(line)+len(between)+len(note) > captionWidth {
			lines, line = append(lines, wrap(line)...), ""
		}
		line = strings.TrimPrefix(line+between+note, between)
	}
	return append(lines, wrap(line)...)
}

// modelOf is the model in its own words, which say what of it is guessed.
func modelOf(c results.Cell) string { return cmp.Or(c.Text("simulated"), c.Simulated) }

func durabilityOf(c results.Cell) string {
	d := cmp.Or(c.Text("durability"), "unknown")
	switch path, on := c.Settings["wal.path"], c.Settings["target"]; {
	case on != "":
		return targetName(on) + ": " + d
	case path != "":
		return path + ": " + d
	}
	return d
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// with are the cells that have all of the given settings, as name, value pairs.
func with(cells []results.Cell, pairs ...string) []results.Cell {
	var out []results.Cell
	for _, c := range cells {
		fits := true
		for i := 0; i < len(pairs); i += 2 {
			fits = fits && c.Settings[pairs[i]] == pairs[i+1]
		}
		if fits {
			out = append(out, c)
		}
	}
	return out
}

// number is the median of one key of the one cell with these settings.
func number(cells []results.Cell, key string, pairs ...string) (float64, error) {
	found := with(cells, pairs...)
	if len(found) != 1 {
		return 0, fmt.Errorf("%w: %d cells with %v", ErrNoData, len(found), pairs)
	}
	s, ok := found[0].Stat(key)
	if !ok {
		return 0, fmt.Errorf("%w: no %s in %v", ErrNoData, key, pairs)
	}
	return s.Median, nil
}

// middle is the median, over cells, of a number that each may have.
func middle(cells []results.Cell, of func(results.Cell) (float64, bool)) (float64, error) {
	var vs []float64
	for _, c := range cells {
		if v, ok := of(c); ok {
			vs = append(vs, v)
		}
	}
	if len(vs) == 0 {
		return 0, ErrNoData
	}
	return results.Median(vs), nil
}

// ratio of two numbers that may be missing.
func ratio(a float64, errA error, b float64, errB error) (float64, error) {
	if err := errors.Join(errA, errB); err != nil {
		return 0, err
	}
	if b == 0 {
		return 0, fmt.Errorf("%w: divided by zero", ErrNoData)
	}
	return a / b, nil
}
