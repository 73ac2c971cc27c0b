package figures

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
)

// F5L: the block cache of a broker, and the simulator on what each run recorded.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F5L", Matrix: "f5l", Title: "F5L  The broker's block cache by policy and prefetcher, with the simulator beside",
		pictures: f05LivePictures,
		Expected: []Expectation{
			{"differences when the policy is told what the broker's was, most over cells", 0, 0, f05LiveMost("replay/differences")},
			{"GETs per MiB, live ÷ simulated, median over cells", 0.6, 1.8, f05LiveRatio("gets_per_mib")},
			{"bytes got ÷ served, live ÷ simulated, median over cells", 0.7, 1.5, f05LiveRatio("over_read")},
			{"live: misses with automq:2024 ÷ without a prefetcher, LRU", 0, 0.6, f05LivePair("automq:2024", "none", "miss_ratio")},
			{"live: GETs a MiB with rate ÷ one block ahead, LRU", 0.05, 1.1, f05LivePair("rate", "fixed:1", "gets_per_mib")},
		},
	})
}

var (
	f05OfLive = entry{"broker", hue(1), nil}
	f05OfSim  = entry{"simulator", hue(0), nil}
)

func f05LivePictures(run *results.MatrixRun) ([]picture, error) {
	cells := run.Cells()
	policies, prefetchers := values(cells, "policy"), values(cells, "prefetch")
	if len(cells) == 0 {
		return nil, ErrNoData
	}
	pic := picture{
		name: "f05-live", title: "F5L  Block cache of a broker (a group catches up), and simulated from its recording",
		below: caption(run, cells), legend: []entry{f05OfLive, f05OfSim},
		width: width + 2*vg.Centimeter, height: vg.Length(5+6*len(policies)) * vg.Centimeter,
	}
	for _, policy := range policies {
		var row []*plot.Plot
		for _, column := range f05Columns[:3] { // the broker has no time of its own for a block
			p := panel(policy+": "+column.title, "", "")
			p.X.Tick.Marker, p.X.Min, p.X.Max = names(prefetchers), -0.5, float64(len(prefetchers))-0.5
			for x, ahead := range prefetchers {
				if err := f05LivePoint(p, with(cells, "policy", policy, "prefetch", ahead), float64(x), column.key); err != nil {
					return nil, fmt.Errorf("%s: %w", column.key, err)
				}
			}
			p.Y.Min = 0
			row = append(row, p)
		}
		pic.panels = append(pic.panels, row)
	}
	return []picture{pic}, nil
}

// f05LivePoint puts both side by side.
func f05LivePoint(p *plot.Plot, cells []results.Cell, x float64, key string) error {
	for _, side := range []struct {
		prefix string
		at     float64
		entry  entry
	}{{"live/", x - 0.12, f05OfLive}, {"sim/", x + 0.12, f05OfSim}} {
		var w whiskers
		for _, c := range cells {
			if s, ok := c.Stat(side.prefix + key); ok {
				w.add(side.at, s)
			}
		}
		if err := w.dots(p, side.entry); err != nil {
			return err
		}
	}
	return nil
}

func f05LiveMost(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		most, err := math.Inf(-1), error(ErrNoData)
		for _, c := range run.Cells() {
			if s, ok := c.Stat(key); ok {
				most, err = max(most, s.Max), nil
			}
		}
		if err != nil {
			return 0, err
		}
		return most, nil
	}
}

// f05LiveRatio is the median of live ÷ simulated.
func f05LiveRatio(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		return middle(run.Cells(), func(c results.Cell) (float64, bool) {
			a, errA := number([]results.Cell{c}, "live/"+key)
			b, errB := number([]results.Cell{c}, "sim/"+key)
			r, err := ratio(a, errA, b, errB)
			return r, err == nil
		})
	}
}

func f05LivePair(a, b, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		x, errA := number(run.Cells(), "live/"+key, "policy", "lru", "prefetch", a)
		y, errB := number(run.Cells(), "live/"+key, "policy", "lru", "prefetch", b)
		return ratio(x, errA, y, errB)
	}
}
