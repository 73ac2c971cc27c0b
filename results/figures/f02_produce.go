package figures

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tidelog/tide/results"
)

// F2: response times of producers by percentile, those of durable targets in one
// row and the others in a row of their own: they are no equals.
func init() {
	const p99 = "produce.response.p99"
	registerMatrix(MatrixFigure{
		ID: "F2", Matrix: "f2", Title: "F2  Produce: response time by percentile, tide and Kafka",
		pictures: f02Pictures,
		Expected: []Expectation{
			{"tide ÷ durable Kafka: p99 of produce, median over workloads", 0.002, 0.7, against(p99, kind(onTide, true), kind(onKafka, true))},
			{"tide ÷ durable Kafka with tiers: the same", 0.002, 0.7, against(p99, kind(onTide, true), kind(onKafkaTiered, true))},
			// A power cut costs that one what it costs tide nothing, so that less is
			// asked for.
			{"tide ÷ Kafka that never flushes: the same", 0.01, 1.5, against(p99, kind(onTide, true), kind(onKafka, false))},
			{"tide ÷ null (no log, no store): the same", 0.5, 40, against(p99, kind(onTide, true), kind(onNull, false))},
		},
	})
}

func f02Pictures(run *results.MatrixRun) ([]picture, error) {
	cells := run.Cells()
	loads, on := workloadsOf(cells), targets(cells)
	if len(loads) == 0 {
		return nil, ErrNoData
	}
	pic := picture{
		name: "f02-produce", title: "F2  Produce: response time (acknowledged − intended) by percentile", below: caption(run, cells),
		width: max(width, vg.Length(3+9*len(loads))*vg.Centimeter), height: 19 * vg.Centimeter,
	}
	for i, t := range on {
		pic.legend = append(pic.legend, entry{targetName(t), hue(i), nil})
	}
	drawn := 0
	for _, row := range []struct {
		title   string
		durable bool
	}{{"a power cut loses nothing acknowledged", true}, {"NOT durable, or not known", false}} {
		var panels []*plot.Plot
		for _, w := range loads {
			p := panel(w+": "+row.title, "percentile", "ms")
			nines := 1.0
			for i, t := range on {
				for _, c := range onTarget(ofWorkload(cells, w), t) {
					if isDurable(c) != row.durable {
						continue
					}
					h := merged(run, c, results.ProduceResponse)
					if h.TotalCount() == 0 {
						continue
					}
					drawn++
					nines = max(nines, math.Log10(float64(h.TotalCount())))
					if err := plainLine(p, curve(h), entry{"", hue(i), nil}, plotter.PostStep); err != nil {
						return nil, err
					}
				}
			}
			nines = min(math.Ceil(nines), 7)
			p.X.Min, p.X.Max = 0, nines
			p.X.Tick.Marker = percentileTicks(int(nines))
			panels = append(panels, p)
		}
		scaleRow(panels)
		pic.panels = append(pic.panels, panels)
	}
	if drawn == 0 {
		return nil, fmt.Errorf("%w: no trial has left its histograms", ErrNoData)
	}
	return []picture{pic}, nil
}

// merged is a series over all repeats of a cell, in the phase that counts. A
// repeat whose directory is gone is left out; its numbers stay in the medians.
func merged(run *results.MatrixRun, c results.Cell, s results.Series) *hdrhistogram.Histogram {
	sum := results.NewHistogram()
	for _, line := range c.Trials {
		t, err := run.LoadTrial(line, s)
		if err != nil {
			continue
		}
		phase := ""
		if _, ok := t.Phase("run"); ok {
			phase = "run"
		}
		sum.Merge(t.Merged(s, phase))
	}
	return sum
}

// plainLine is a curve without a name; the picture's legend has it.
func plainLine(p *plot.Plot, pts plotter.XYs, e entry, step plotter.StepKind) error {
	if len(pts) == 0 {
		return nil
	}
	l, err := plotter.NewLine(pts)
	if err != nil {
		return err
	}
	l.LineStyle = draw.LineStyle{Color: e.color, Width: vg.Points(1.4), Dashes: e.dashes}
	l.StepStyle = step
	p.Add(l)
	return nil
}
