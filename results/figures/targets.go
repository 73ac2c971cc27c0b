package figures

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
)

// Kinds of targets that figures tell apart.
const (
	onTide        = "tide"
	onKafka       = "kafka"
	onKafkaTiered = "kafka-tiered"
	onNull        = "null"
)

// kindOf is a cell's target without its settings; a cell that names none is
// tide's.
func kindOf(c results.Cell) string {
	kind, _, _ := strings.Cut(cmp.Or(c.Settings["target"], onTide), "?")
	return kind
}

// isDurable says that what is acknowledged survives a power cut, as the trial
// itself says of its target.
func isDurable(c results.Cell) bool {
	return results.Durability{Flush: c.Text("durability"), PowerCut: c.Text("power_cut")}.Class() == results.Durable
}

// targets of the cells, tide's first, so that it has the same colour everywhere.
func targets(cells []results.Cell) []string {
	seen := map[string]bool{}
	for _, c := range cells {
		seen[cmp.Or(c.Settings["target"], onTide)] = true
	}
	out := sortedKeys(seen)
	slices.SortStableFunc(out, func(a, b string) int {
		return cmp.Compare(slices.Index(kindOrder, kindName(a)), slices.Index(kindOrder, kindName(b)))
	})
	return out
}

// kindOrder is that of legends; what is not in it comes first and is rare.
var kindOrder = []string{onTide, onKafka, onKafkaTiered, onNull}

func kindName(text string) string { kind, _, _ := strings.Cut(text, "?"); return kind }

// targetName is how a legend calls a target.
func targetName(text string) string {
	kind, query, _ := strings.Cut(text, "?")
	name := map[string]string{
		onTide: "tide", onKafka: "Kafka", onKafkaTiered: "Kafka tiered", onNull: "null (no log, no store)",
	}[kind]
	if name == "" {
		return text
	}
	keys, err := url.ParseQuery(query)
	if err != nil {
		return text
	}
	var said []string
	for _, k := range []string{"flush", "profile", "s3", "model"} {
		if v := keys.Get(k); v != "" {
			said = append(said, k+"="+v)
		}
	}
	return strings.TrimSpace(name + " " + strings.Join(said, " "))
}

// onTarget are the cells of a target, as it is written.
func onTarget(cells []results.Cell, text string) []results.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c results.Cell) bool {
		return cmp.Or(c.Settings["target"], onTide) != text
	})
}

// ofKind are the cells of a kind of target, durable ones or the others.
func ofKind(cells []results.Cell, kind string, durable bool) []results.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c results.Cell) bool {
		return kindOf(c) != kind || isDurable(c) != durable
	})
}

// workloadsOf the cells, sorted.
func workloadsOf(cells []results.Cell) []string {
	seen := map[string]bool{}
	for _, c := range cells {
		seen[c.Workload] = true
	}
	return sortedKeys(seen)
}

func ofWorkload(cells []results.Cell, name string) []results.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c results.Cell) bool { return c.Workload != name })
}

// against is the ratio of a number of one kind of target to that of another, for
// the same workload: the median over the workloads that both have.
func against(key string, a, b func([]results.Cell) []results.Cell) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		var ratios []float64
		for _, w := range workloadsOf(run.Cells()) {
			cells := ofWorkload(run.Cells(), w)
			x, errX := medianOf(a(cells), key)
			y, errY := medianOf(b(cells), key)
			if v, err := ratio(x, errX, y, errY); err == nil {
				ratios = append(ratios, v)
			}
		}
		if len(ratios) == 0 {
			return 0, ErrNoData
		}
		return results.Median(ratios), nil
	}
}

// medianOf a number over cells.
func medianOf(cells []results.Cell, key string) (float64, error) {
	return middle(cells, func(c results.Cell) (float64, bool) {
		s, ok := c.Stat(key)
		return s.Median, ok
	})
}

func kind(name string, durable bool) func([]results.Cell) []results.Cell {
	return func(cells []results.Cell) []results.Cell { return ofKind(cells, name, durable) }
}
