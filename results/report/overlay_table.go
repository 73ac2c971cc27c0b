package report

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
)

// trialTable is the table by which trials are compared and picked.
type trialTable struct {
	Rows []trialRow
	// Columns that no trial has a number for are left out.
	Fetch, Amplification bool
}

// trialRow is a phase of a trial.
type trialRow struct {
	row
	Trial    int // index into the page's data
	Workload string
	Arm      string
	Target   string
	Class    results.DurabilityClass
	Flush    string
	Verdict  string
	Model    string // simulated parts, or ""
	Href     string // the trial's own page, relative to this one
}

func (o *Overlay) table(dir string, arms []string) trialTable {
	var out trialTable
	for i, t := range o.trials {
		href := linkTo(dir, t.href)
		for _, r := range t.rows {
			out.Fetch = out.Fetch || r.Fetch99 != none
			out.Amplification = out.Amplification || r.Amplification != none
			out.Rows = append(out.Rows, trialRow{
				row: r, Trial: i, Workload: t.Workload, Arm: arms[t.Arm], Target: t.Target, Class: t.Class,
				Flush: t.Flush, Verdict: t.Verdict, Model: strings.Join(t.Simulated, ", "), Href: href,
			})
		}
	}
	return out
}

// linkTo a trial's own page from a directory; "" when nobody has made it.
func linkTo(dir, page string) string {
	if _, err := os.Stat(page); err != nil {
		return ""
	}
	rel, err := filepath.Rel(dir, page)
	if err != nil {
		return "" // one of them is relative to we do not know what
	}
	return (&url.URL{Path: filepath.ToSlash(rel)}).String()
}

// differences of keys: by configuration while those stand side by side.
func (o *Overlay) differences(facets []facet, arms []string) []difference {
	var out []difference
	for _, f := range facets {
		d := difference{Key: f.Key}
		count := make([]int, len(f.Values))
		byArm := make([][]string, len(arms))
		for i, t := range o.trials {
			v := f.Values[f.Of[i]]
			count[f.Of[i]]++
			if !slices.Contains(byArm[t.Arm], v) {
				byArm[t.Arm] = append(byArm[t.Arm], v)
			}
		}
		for i, v := range f.Values {
			d.Values = append(d.Values, pair{v, fmt.Sprint(count[i])})
		}
		if len(arms) <= maxArmColumns {
			for _, vs := range byArm {
				d.ByArm = append(d.ByArm, strings.Join(short(vs, 4), ", "))
			}
		}
		out = append(out, d)
	}
	return out
}

// lastingNames in the order in which they are shown.
var lastingNames = func() []string {
	var out []string
	for _, p := range lasting(results.Env{}) {
		out = append(out, p.Name)
	}
	return out
}()

// short lists at most n, and says how many more there are.
func short(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("and %d more", len(list)-n))
}

func sortedSet(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

func least(m map[string]int) int { return slices.Min(slices.Collect(maps.Values(m))) }

func most(m map[string]int) int { return slices.Max(slices.Collect(maps.Values(m))) }
