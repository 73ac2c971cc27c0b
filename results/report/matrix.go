package report

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/stats"
)

// Matrix is the page of a matrix: what is drawn and checked of it elsewhere is
// shown as well.
type Matrix struct {
	Run      *results.MatrixRun
	Title    string            // default: the matrix's name
	Drawn    []figures.Drawn   // the figure that is made of it, if there is one
	Outcomes []figures.Outcome // of the figure's expectations
	Prices   *cost.Book        // default: the built-in one
}

// matrixData is what the page's script works on.
type matrixData struct {
	Axes    []axis             `json:"axes"`    // with more than one value
	Metrics []string           `json:"metrics"` // the matrix's own first
	Kinds   []kind             `json:"kinds"`
	Cells   []cellData         `json:"cells"`
	Noise   map[string]float64 `json:"noise"` // metric → A/A difference, where there is one
	// NoiseOf is the kind of the cell of the A/A pair; of other kinds it says
	// nothing. -1: there is no pair.
	NoiseOf int `json:"noise_of"`
}

// axis with its values in order: by size where they have one.
type axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// kind keeps apart what no median may be taken over: durable cells and others,
// real devices and models of them.
type kind struct {
	Class     results.DurabilityClass `json:"class"`
	Simulated bool                    `json:"simulated"`
	Flushes   []string                `json:"flushes"`
	Models    []string                `json:"models,omitempty"` // in their own words
}

// cellData is one cell. Stats are by metric: median, least, most; null where the
// cell has no such number.
type cellData struct {
	At      []int       `json:"at"` // index of its value, by axis; -1: it has none
	Kind    int         `json:"kind"`
	Flush   string      `json:"flush"`
	N       int         `json:"n"`                 // good repeats
	Invalid int         `json:"invalid,omitempty"` // not in the stats
	Stats   []*[3]exact `json:"stats"`
	Command string      `json:"command"`
	Trials  []int       `json:"trials,omitempty"` // with curves; index into the page's trials
}

// exact is written with six digits: more than any table shows.
type exact float64

// MarshalJSON never fails: what is no number became null before.
func (e exact) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(e), 'g', 6, 64), nil
}

// matrixPage is what matrix.tmpl shows.
type matrixPage struct {
	Matrix
	Lead     string
	Kinds    []kind
	Same     []pair // settings that are the same in every cell
	Failed   []results.CellTrial
	More     int // failed trials that are not listed
	Warnings []string
	Noise    string
	Priced   string // by what; "": nothing is
	Machine  []pair
	Pictures []picture
	Again    string
	Trials   *trialTable // nil when no trial's directory is there
	Data     template.JS
}

// workloadAxis is the axis of workloads, in a matrix that has several.
const workloadAxis = "workload"

// maxFailed trials that the page lists.
const maxFailed = 10

// Write makes the page in the matrix's directory and returns its path.
func (m Matrix) Write() (string, error) {
	html, err := m.html()
	if err != nil {
		return "", fmt.Errorf("report of %s: %w", m.Run.Dir, err)
	}
	path := filepath.Join(m.Run.Dir, pageFile)
	return path, writePage(path, html)
}

func (m Matrix) html() ([]byte, error) {
	m.Title = cmp.Or(m.Title, m.Run.Header.Name)
	var prices string
	m.Run, prices = priced(m.Run, m.Prices)
	overlay, at := m.overlay()
	d := m.data(at)
	p := matrixPage{
		Matrix: m, Lead: m.lead(d), Kinds: d.Kinds, Same: m.same(), Failed: m.Run.Failed(),
		Warnings: m.Run.Warnings, Machine: lasting(m.Run.Env), Again: m.again(), Priced: prices,
	}
	p.More = max(0, len(p.Failed)-maxFailed)
	p.Failed = p.Failed[:len(p.Failed)-p.More]
	p.Noise = m.noise(d)
	for _, f := range overlay.skipped {
		p.Warnings = append(p.Warnings, f.String())
	}
	p.Warnings = append(p.Warnings, overlay.incomplete()...)
	for _, drawn := range m.Drawn {
		p.Pictures = append(p.Pictures, picture{drawn.Title, inline(drawn.SVG)})
	}
	page := struct {
		pageData
		Matrix matrixData `json:"matrix"`
	}{pageData{Kind: "matrix", Ticks: ticks(), Trials: overlay.trials}, d}
	if overlay.Len() > 0 {
		page.Facets = facetsOf(overlay.trials, func(d *digest) map[string]string { return d.config })
		page.Arms = armsOf(overlay.trials, page.Facets)
		overlay.align()
		t := overlay.table(m.Run.Dir, page.Arms)
		p.Trials = &t
	}
	var err error
	if p.Data, err = data(page); err != nil {
		return nil, err
	}
	return execute("matrix", &p)
}

// noise says what the A/A pair found, and of which cells that can be said.
func (m Matrix) noise(d matrixData) string {
	aa, least, ok := stats.Noise(m.Run.Arms(m.Run.Header.Metric), m.Run.Header.Seed)
	switch {
	case !ok && m.Run.HasPairs():
		return fmt.Sprintf("There is an A/A pair, but not both of its arms have %s: how noisy it was is not known.", m.Run.Header.Metric)
	case !ok:
		return ""
	}
	of := ""
	if d.NoiseOf >= 0 && len(d.Kinds) > 1 {
		of = ", of cells that are " + string(d.Kinds[d.NoiseOf].Class)
		if d.Kinds[d.NoiseOf].Simulated {
			of += " and simulated, as the pair is,"
		} else {
			of += " and not simulated, as the pair is,"
		}
	}
	text := fmt.Sprintf("The A/A pair, the same cell measured as two, came out %.1f %% apart in %s", 100*aa, m.Run.Header.Metric)
	if math.IsNaN(least) {
		return text + ". Smaller differences" + of + " mean nothing and are marked ~; one repeat says no more of the noise."
	}
	return text + fmt.Sprintf("; with the noise of its repeats, differences below %.1f %%%s mean nothing and are marked ~.", 100*least, of)
}

// maxMatrixTrials whose curves are in the page.
const maxMatrixTrials = 1000

// overlay has the trials whose directories are there, and where each trial's
// digest is, by its key.
func (m Matrix) overlay() (*Overlay, map[string]int) {
	o, at := NewOverlay(), map[string]int{}
	for _, t := range m.Run.Trials {
		id, ok := t.TrialID()
		if !ok || t.Error != "" || o.Len() == maxMatrixTrials {
			continue
		}
		dir := filepath.Join(m.Run.Dir, "trials", id)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue // published without them
		}
		trial, err := results.Load(dir, overlaid...)
		if err != nil {
			o.Skip(dir, err)
			continue
		}
		o.Add(trial)
		// Of all settings, the axes are what this page is about.
		o.trials[o.Len()-1].config = t.Settings
		at[t.Key()] = o.Len() - 1
	}
	return o, at
}

func (m Matrix) data(at map[string]int) matrixData {
	d := matrixData{Noise: map[string]float64{}, NoiseOf: -1}
	cells := m.Run.Cells()
	d.Axes = axesOf(cells)
	d.Metrics = m.metrics(cells)
	for _, name := range d.Metrics {
		if aa, least, ok := stats.Noise(m.Run.Arms(name), m.Run.Header.Seed); ok {
			d.Noise[name] = aa
			if !math.IsNaN(least) {
				d.Noise[name] = least
			}
		}
	}
	pair := slices.IndexFunc(m.Run.Trials, func(t results.CellTrial) bool { return t.AA })
	for _, c := range cells {
		d.Cells = append(d.Cells, d.cell(c, at))
		if pair >= 0 && c.ID == m.Run.Trials[pair].Cell {
			d.NoiseOf = d.Cells[len(d.Cells)-1].Kind
		}
	}
	return d
}

func (m Matrix) lead(d matrixData) string {
	var axes []string
	for _, a := range d.Axes {
		axes = append(axes, fmt.Sprintf("%s (%d values)", a.Name, len(a.Values)))
	}
	h := m.Run.Header
	text := fmt.Sprintf("%d of %d cells, %d of %d trials", len(d.Cells), h.Cells, len(m.Run.Trials)-len(m.Run.Failed()), h.Trials)
	if len(axes) > 0 {
		text += ", over " + strings.Join(axes, ", ")
	}
	return text + "; in random order, seed " + strconv.FormatUint(h.Seed, 10) + ". Numbers are medians of the repeats of a cell."
}

func (m Matrix) again() string {
	if strings.HasPrefix(m.Run.Header.Name, "f") && len(m.Outcomes) > 0 {
		cmd := "tide reproduce " + strings.ToUpper(m.Run.Header.Name)
		if m.Run.Header.Quick {
			cmd += " --quick"
		}
		return cmd
	}
	return ""
}
