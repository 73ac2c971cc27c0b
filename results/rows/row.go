package rows

import (
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// Broken is the verdict of a folder that could not be read.
const Broken = "BROKEN"

// Row is one phase of a trial, or one trial of a matrix.
type Row struct {
	Dir    string // where it was read
	Trial  string // id of the trial; of a matrix its cell/repeat/arm
	Matrix string // name of the matrix; "" for a trial of its own
	Metric string // column of the number that the matrix is about
	Cell   string // of a matrix
	Repeat int    // of a matrix, from 1
	AA     bool   // the second arm of a matrix's A/A pair

	Workload   string
	Target     string // as given; of a matrix the command
	Phase      string // "" for a trial of a matrix
	Closed     bool   // the phase had no schedule: its times are no latencies of a load
	Started    time.Time
	Seed       uint64
	Verdict    string // VALID, QUICK, INVALID or BROKEN
	Durability results.Durability
	Simulated  string // models in place of real parts; "" for none
	Warnings   []string

	Settings map[string]string  // every setting, resolved; of a matrix its axes
	Values   map[string]float64 // of the phase, by names of Metrics; of a matrix by its keys
	Figures  map[string]float64 // of the whole trial: the same on each of its rows
	Counters map[string]float64 // of the target, grown within the phase
	Env      results.Env
}

// Usable rows may be averaged and compared.
func (r Row) Usable() bool { return r.Verdict == results.Valid || r.Verdict == results.Quick }

// Table is everything that was read.
type Table struct {
	Rows []Row
}

// Warnings of all rows, each once, with what it is about in front.
func (t Table) Warnings() []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range t.Rows {
		for _, w := range r.Warnings {
			if r.Verdict != Broken { // which names its folder itself
				w = r.Trial + ": " + w
			}
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// Invalid says whether any row has that verdict.
func (t Table) Invalid() bool { return t.has(results.Invalid) }

// Quick says whether any row may not be quoted for being short.
func (t Table) Quick() bool { return t.has(results.Quick) }

func (t Table) has(verdict string) bool {
	for _, r := range t.Rows {
		if r.Verdict == verdict {
			return true
		}
	}
	return false
}

// Name makes a column's name of any text: "target CPU, s/GiB" is
// target_cpu_s_per_gib.
func Name(parts ...string) string {
	text := strings.NewReplacer("/", "_per_", "µ", "u", "μ", "u").Replace(strings.Join(parts, "_"))
	text = strings.ToLower(text)
	words := strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
