package report

import (
	"fmt"
	"html/template"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
)

// Overlay is one page over several trials. Trials are added one at a time and
// only their digests are kept, so a thousand of them fit into memory and page.
type Overlay struct {
	trials  []*digest
	seen    map[string]bool // directories that were added
	skipped []results.Finding
}

// Limits of a page of several trials.
const (
	maxOverlayPoints = 240 // of each timeline
	maxArmColumns    = 8   // configurations side by side; more are listed by value
)

// notOverlaid are the columns that only a trial's own page has.
var notOverlaid = []string{"put", "get", "wal", "rss", "e2e99"}

// NewOverlay has no trial yet.
func NewOverlay() *Overlay { return &Overlay{seen: map[string]bool{}} }

// Add takes what the page needs of a trial, which is not kept. A directory
// counts once.
func (o *Overlay) Add(t *results.Trial) {
	if dir := filepath.Clean(t.Dir); o.seen[dir] {
		return
	} else {
		o.seen[dir] = true
	}
	d := digestOf(t, overlaid, maxOverlayPoints)
	for _, name := range notOverlaid {
		delete(d.Time.Columns, name)
	}
	d.href = filepath.Join(t.Dir, pageFile)
	o.trials = append(o.trials, d)
}

// Skip names a directory that could not be read; the page says so.
func (o *Overlay) Skip(dir string, err error) {
	o.skipped = append(o.skipped, results.Finding{What: dir + " is left out", Hint: err.Error()})
}

// Len is the number of trials.
func (o *Overlay) Len() int { return len(o.trials) }

// WriteOverlay reads trials from directories, one at a time, and makes the page.
// A directory that cannot be read is named in it, and is an error only when no
// other can.
func WriteOverlay(path string, dirs []string) error {
	o := NewOverlay()
	for _, dir := range dirs {
		t, err := results.Load(dir, overlaid...)
		if err != nil {
			o.Skip(dir, err)
			continue
		}
		o.Add(t)
	}
	return o.Write(path)
}

// Write makes the page.
func (o *Overlay) Write(path string) error {
	if len(o.trials) == 0 {
		var why []string
		for _, f := range o.skipped {
			why = append(why, f.String())
		}
		return fmt.Errorf("no trial to report: %s", strings.Join(append(why, "give directories that hold a run.json"), "; "))
	}
	html, err := o.html(filepath.Dir(path))
	if err != nil {
		return err
	}
	return writePage(path, html)
}

// overlayPage is what overlay.tmpl shows.
type overlayPage struct {
	Title    string
	Lead     string
	Verdicts []pair // word and count
	Classes  []results.DurabilityClass
	Models   []string
	Skipped  []results.Finding
	Notes    []note
	Arms     []string
	Differ   []difference // of settings, within workloads
	Between  []difference // only between workloads
	Env      []difference
	Trials   trialTable
	Machine  []pair
	Again    []string
	Data     template.JS
}

// note is a reason or warning and how many trials have it.
type note struct {
	Text  string
	Count int
}

// difference is a key and its values: one for each configuration, or all that
// occur.
type difference struct {
	Key    string
	ByArm  []string
	Values []pair // value and count
}

func (o *Overlay) html(dir string) ([]byte, error) {
	facets := facetsOf(o.trials, func(d *digest) map[string]string { return d.config })
	env := facetsOf(o.trials, func(d *digest) map[string]string { return d.env })
	arms := armsOf(o.trials, facets)
	o.align()
	p := overlayPage{
		Lead: o.lead(arms), Verdicts: o.verdicts(), Skipped: o.skipped, Notes: o.notes(), Arms: arms,
		Env: o.differences(env, arms), Trials: o.table(dir, arms), Models: o.models(), Classes: o.classes(),
	}
	p.Again = o.again()
	p.Title = fmt.Sprintf("%d trials", len(o.trials))
	for _, f := range facets {
		d := o.differences([]facet{f}, arms)
		if f.Within {
			p.Differ = append(p.Differ, d...)
		} else {
			p.Between = append(p.Between, d...)
		}
	}
	for _, f := range lastingNames {
		if v, ok := o.trials[0].env[f]; ok && !slices.ContainsFunc(env, func(e facet) bool { return e.Key == f }) {
			p.Machine = append(p.Machine, pair{f, v})
		}
	}
	var err error
	// What differs in the machine can be picked by too.
	p.Data, err = data(pageData{Kind: "overlay", Ticks: ticks(), Trials: o.trials, Arms: arms, Facets: append(facets, env...)})
	if err != nil {
		return nil, err
	}
	return execute("overlay", &p)
}

// align gives all timelines the same step.
func (o *Overlay) align() {
	step := 1
	for _, t := range o.trials {
		step = max(step, t.Time.Step)
	}
	for _, t := range o.trials {
		t.Time = t.Time.coarser(step)
	}
}

func (o *Overlay) lead(arms []string) string {
	repeats := map[string]int{}
	for _, t := range o.trials {
		repeats[fmt.Sprint(t.Workload, "\x00", t.Arm)]++
	}
	each := plural(fmt.Sprint(most(repeats)), "repeat") + " each"
	if least(repeats) < most(repeats) {
		each = fmt.Sprintf("%d to %s", least(repeats), each)
	}
	return fmt.Sprintf("%s of %s under %s (%s), %s.",
		plural(fmt.Sprint(len(o.trials)), "trial"), plural(fmt.Sprint(len(arms)), "configuration"),
		plural(fmt.Sprint(len(o.workloads())), "workload"), strings.Join(short(o.workloads(), 8), ", "), each)
}

func (o *Overlay) workloads() []string {
	var out []string
	for _, t := range o.trials {
		if !slices.Contains(out, t.Workload) {
			out = append(out, t.Workload)
		}
	}
	return out
}

func (o *Overlay) verdicts() []pair {
	var out []pair
	for _, word := range []string{results.Valid, results.Quick, results.Invalid} {
		n := 0
		for _, t := range o.trials {
			if t.Verdict == word {
				n++
			}
		}
		if n > 0 {
			out = append(out, pair{word, fmt.Sprint(n)})
		}
	}
	return out
}

func (o *Overlay) classes() []results.DurabilityClass {
	var out []results.DurabilityClass
	for _, t := range o.trials {
		if !slices.Contains(out, t.Class) {
			out = append(out, t.Class)
		}
	}
	return out
}

func (o *Overlay) models() []string {
	seen := map[string]bool{}
	for _, t := range o.trials {
		for _, s := range t.Simulated {
			seen[s] = true
		}
	}
	return sortedSet(seen)
}

// again lists the commands, each once.
func (o *Overlay) again() []string {
	var out []string
	for _, t := range o.trials {
		if !slices.Contains(out, t.again) {
			out = append(out, t.again)
		}
	}
	return short(out, maxCommands)
}

// maxCommands that are listed.
const maxCommands = 20

// notes are what the trials warn of, the most frequent first.
func (o *Overlay) notes() []note {
	count := map[string]int{}
	for _, t := range o.trials {
		for _, n := range t.notes {
			count[n]++
		}
	}
	var out []note
	for text, n := range count {
		out = append(out, note{text, n})
	}
	slices.SortFunc(out, func(a, b note) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Text, b.Text)
	})
	return out[:min(len(out), maxNotes)]
}

// incomplete says of how many trials the same logs are missing.
func (o *Overlay) incomplete() []string {
	count := map[string]int{}
	for _, t := range o.trials {
		if t.lacks != "" {
			count[t.lacks]++
		}
	}
	var out []string
	for _, text := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprintf("%s: %s", plural(fmt.Sprint(count[text]), "trial"), text))
	}
	return out
}

// maxNotes that are listed; the others are on the trials' own pages.
const maxNotes = 30
