package figures

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
)

// F5: what a cache's policy and its prefetcher do for the readers of a log, and
// beside it for requests that are independent of each other.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F5", Matrix: "f5", Title: "F5  Caches: miss ratio by policy and size; GETs, over-read and p99 by prefetcher (simulated)",
		pictures: f05Pictures,
		Expected: []Expectation{
			{"log: misses of the best policy ÷ LRU's, at a tenth of the footprint", 0.75, 1, f05BestPolicy("log")},
			{"zipf: the same", 0.5, 0.92, f05BestPolicy("zipf")},
			{"log: misses of Belady's policy ÷ LRU's", 0.4, 0.9, f05Alone("log", "belady")},
			{"log, S3 Express: share of LRU's misses that the best prefetcher takes away with 1.1 bytes got a byte served at most", 0.9, 1, f05Gone("s3-express")},
			{"log, S3 Standard: the same", 0.9, 1, f05Gone("s3-standard")},
			// Policies that send away first what was asked for once send away what
			// was read ahead and not asked for yet.
			{"log, S3 Express, one block ahead: misses under S3-FIFO ÷ LRU", 1.5, 500, f05Ahead("s3-express", "s3fifo", "lru", "fixed:1", "miss_ratio")},
			{"log, S3 Express, one block ahead: misses under FIFO ÷ LRU", 0.2, 5, f05Ahead("s3-express", "fifo", "lru", "fixed:1", "miss_ratio")},
			{"log, S3 Standard, LRU: GETs of rate ÷ those of one block ahead", 0.1, 0.9, f05Pair("s3-standard", "rate", "fixed:1", "gets_per_mib")},
		},
	})
}

// f05At is the size at which prefetchers are compared, a share of the footprint.
const f05At = "0.1"

func f05Pictures(run *results.MatrixRun) ([]picture, error) {
	var out []picture
	for _, draw := range []func(*results.MatrixRun) (picture, error){f05Policies, f05Prefetchers, f05Both} {
		pic, err := draw(run)
		if errors.Is(err, ErrNoData) {
			continue
		}
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

// f05Caption is what no picture must be quoted without. Nothing of it is of a
// device: cells differ by seed, where others repeat.
func f05Caption(run *results.MatrixRun, cells []results.Cell) []string {
	models := map[string]bool{}
	for _, c := range cells {
		models[modelOf(c)] = true
	}
	delete(models, "")
	lines := []string{}
	for _, m := range sortedKeys(models) {
		lines = append(lines, wrap("SIMULATED: "+strings.TrimSuffix(m, fmt.Sprintf(", seed %s", cells[0].Settings["seed"])))...)
	}
	notes := fmt.Sprintf("median of seeds %s, whiskers: min to max", strings.Join(values(cells, "seed"), ", "))
	if n := len(run.Failed()); n > 0 {
		notes += fmt.Sprintf("  ·  %d trials FAILED and are not shown", n)
	}
	if run.Header.Quick {
		notes += "  ·  QUICK: not quotable"
	}
	return append(lines, notes)
}

// f05Cells of one kind of trace and one model.
func f05Cells(run *results.MatrixRun, kind, model string) []results.Cell {
	return slices.DeleteFunc(with(run.Cells(), "store-model", model), func(c results.Cell) bool {
		name, _, _ := strings.Cut(c.Settings["trace"], "?")
		return name != kind
	})
}

// f05Stat is one number over all cells, which differ by seed.
func f05Stat(cells []results.Cell, key string) (results.Stat, bool) {
	var vs []float64
	for _, c := range cells {
		if s, ok := c.Stat(key); ok {
			vs = append(vs, s.Median)
		}
	}
	if len(vs) == 0 {
		return results.Stat{}, false
	}
	m := results.Median(vs) // sorts
	return results.Stat{Median: m, Min: vs[0], Max: vs[len(vs)-1], N: len(vs)}, true
}

// f05List is an axis whose value is a list.
func f05List(cells []results.Cell, axis string) []string {
	if len(cells) == 0 {
		return nil
	}
	return strings.Split(cells[0].Settings[axis], ",")
}

// f05Policies has the miss ratio over the size, with Belady's policy below.
func f05Policies(run *results.MatrixRun) (picture, error) {
	cells := with(run.Cells(), "store-model", "none")
	policies := append(f05List(cells, "policy"), "belady")
	pic := picture{
		name: "f05-policies", title: "F5  Miss ratio by policy and cache size, without a prefetcher",
		below: f05Caption(run, cells), width: width + 4*vg.Centimeter, height: 13 * vg.Centimeter,
	}
	for i, p := range policies {
		pic.legend = append(pic.legend, f05Curve(i, p))
	}
	var row []*plot.Plot
	for _, kind := range f05Kinds(cells) {
		own := f05Cells(run, kind, "none")
		sizes := values(own, "size")
		p := panel(kind, "cache ÷ footprint", "misses ÷ requests")
		p.X.Tick.Marker, p.X.Min, p.X.Max = names(sizes), -0.3, float64(len(sizes))-0.7
		for i, policy := range policies {
			var w whiskers
			for x, size := range sizes {
				if s, ok := f05Stat(with(own, "size", size), policy+"/none/miss_ratio"); ok {
					w.add(float64(x), s)
				}
			}
			if err := w.draw(p, f05Curve(i, policy)); err != nil {
				return picture{}, err
			}
		}
		p.Y.Min, p.Y.Max = 0, 1
		row = append(row, p)
	}
	if len(row) == 0 {
		return picture{}, ErrNoData
	}
	pic.panels = [][]*plot.Plot{row}
	return pic, nil
}

// f05Curve of the i-th policy: the palette twice, the second time dashed.
func f05Curve(i int, policy string) entry {
	e := entry{policy, hue(i), nil}
	switch {
	case policy == "belady":
		e.color = color.Black
	case i >= len(palette):
		e.dashes = dashed
	}
	return e
}

func f05Kinds(cells []results.Cell) []string {
	seen := map[string]bool{}
	for _, c := range cells {
		name, _, _ := strings.Cut(c.Settings["trace"], "?")
		seen[name] = true
	}
	return sortedKeys(seen)
}

// f05Columns are what prefetchers are compared by.
var f05Columns = []struct {
	title, key string
	scale      float64
}{
	{"misses ÷ requests", "miss_ratio", 1},
	{"GETs per MiB served", "gets_per_mib", 1},
	{"bytes got ÷ served", "over_read", 1},
	{"p99 of a read, ms", "p99_us", us},
}

func f05Models(run *results.MatrixRun) []string {
	return slices.DeleteFunc(values(run.Cells(), "store-model"), func(m string) bool { return m == "none" })
}

// f05Prefetchers compares them under LRU on the log.
func f05Prefetchers(run *results.MatrixRun) (picture, error) {
	models := f05Models(run)
	cells := slices.DeleteFunc(run.Cells(), func(c results.Cell) bool { return c.Simulated == "" })
	pic := picture{
		name: "f05-prefetch", title: "F5  Prefetchers on the log, LRU, a cache of " + f05At + " of the footprint",
		below: f05Caption(run, cells), width: width + 8*vg.Centimeter, height: 14 * vg.Centimeter,
	}
	for i, m := range models {
		pic.legend = append(pic.legend, entry{m, hue(i), nil})
	}
	var row []*plot.Plot
	prefetchers := f05List(cells, "prefetch")
	for _, column := range f05Columns {
		p := panel(column.title, "", "")
		p.X.Tick.Marker, p.X.Min, p.X.Max = names(prefetchers), -0.5, float64(len(prefetchers))-0.5
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/3, -1, -0.5
		for i, model := range models {
			var w whiskers
			for x, ahead := range prefetchers {
				if s, ok := f05Stat(with(f05Cells(run, "log", model), "size", f05At), "lru/"+ahead+"/"+column.key); ok {
					w.add(float64(x), scale(s, column.scale))
				}
			}
			if err := w.dots(p, entry{model, hue(i), nil}); err != nil {
				return picture{}, err
			}
		}
		p.Y.Min = 0
		row = append(row, p)
	}
	if len(models) == 0 || len(prefetchers) == 0 {
		return picture{}, ErrNoData
	}
	pic.panels = [][]*plot.Plot{row}
	return pic, nil
}

// f05Both has every policy with every prefetcher.
func f05Both(run *results.MatrixRun) (picture, error) {
	models := f05Models(run)
	cells := slices.DeleteFunc(run.Cells(), func(c results.Cell) bool { return c.Simulated == "" })
	policies, prefetchers := f05List(cells, "policy"), f05List(cells, "prefetch")
	if len(models) == 0 || len(policies) == 0 {
		return picture{}, ErrNoData
	}
	pic := picture{
		name: "f05-both", title: "F5  Policies with prefetchers on the log, a cache of " + f05At + " of the footprint",
		below: append(f05Caption(run, cells), "in each box: misses ÷ requests, GETs per MiB and bytes got a byte served"),
		width: vg.Length(2+2*len(prefetchers)*len(models)) * vg.Centimeter, height: vg.Length(5+len(policies)) * vg.Centimeter,
	}
	var row []*plot.Plot
	for _, model := range models {
		own := with(f05Cells(run, "log", model), "size", f05At)
		h := &heatMap{columns: prefetchers, rows: policies, low: 0.005, high: 1}
		for x, ahead := range prefetchers {
			for y, policy := range policies {
				h.boxes = append(h.boxes, f05Box(own, policy+"/"+ahead+"/", x, y))
			}
		}
		row = append(row, h.panel(model, "", ""))
	}
	pic.panels = [][]*plot.Plot{row}
	return pic, nil
}

func f05Box(cells []results.Cell, prefix string, x, y int) box {
	b := box{column: x, row: y, lines: []string{"–"}}
	miss, ok := f05Stat(cells, prefix+"miss_ratio")
	if !ok {
		return b
	}
	gets, _ := f05Stat(cells, prefix+"gets_per_mib")
	over, _ := f05Stat(cells, prefix+"over_read")
	b.value = max(miss.Median, 0.001) // a grey box has no value
	b.lines = []string{digits(miss.Median), digits(gets.Median) + " · " + digits(over.Median)}
	return b
}

// f05Number is one number at f05At.
func f05Number(run *results.MatrixRun, kind, model, key string) (float64, error) {
	s, ok := f05Stat(with(f05Cells(run, kind, model), "size", f05At), key)
	if !ok {
		return 0, fmt.Errorf("%w: no %s of %s with model %s", ErrNoData, key, kind, model)
	}
	return s.Median, nil
}

func f05Alone(kind, policy string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		a, errA := f05Number(run, kind, "none", policy+"/none/miss_ratio")
		b, errB := f05Number(run, kind, "none", "lru/none/miss_ratio")
		return ratio(a, errA, b, errB)
	}
}

func f05BestPolicy(kind string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		best, err := math.Inf(1), error(ErrNoData)
		for _, policy := range f05List(f05Cells(run, kind, "none"), "policy") {
			v, errOne := f05Alone(kind, policy)(run)
			if errOne != nil {
				return 0, errOne
			}
			best, err = min(best, v), nil
		}
		return best, err
	}
}

// f05Gone is the share of LRU's misses that the best lean prefetcher takes away.
func f05Gone(model string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		alone, err := f05Number(run, "log", model, "lru/none/miss_ratio")
		most := 0.0
		for _, ahead := range f05List(f05Cells(run, "log", model), "prefetch") {
			miss, errA := f05Number(run, "log", model, "lru/"+ahead+"/miss_ratio")
			over, errB := f05Number(run, "log", model, "lru/"+ahead+"/over_read")
			left, errOne := ratio(miss, errA, alone, err)
			if errOne == nil && errB == nil && over <= 1.1 {
				most = max(most, 1-left)
			}
		}
		return most, err
	}
}

func f05Ahead(model, a, b, ahead, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		x, errA := f05Number(run, "log", model, a+"/"+ahead+"/"+key)
		y, errB := f05Number(run, "log", model, b+"/"+ahead+"/"+key)
		return ratio(x, errA, y, errB)
	}
}

// f05Pair compares two prefetchers under LRU.
func f05Pair(model, a, b, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		x, errA := f05Number(run, "log", model, "lru/"+a+"/"+key)
		y, errB := f05Number(run, "log", model, "lru/"+b+"/"+key)
		return ratio(x, errA, y, errB)
	}
}
