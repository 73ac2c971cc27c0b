package figures

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/tidelog/tide/results"
)

func init() {
	register(figure{
		10, "produce-response", "Produce: response time (acknowledged − intended) by percentile",
		percentiles(results.ProduceResponse),
	})
	register(figure{
		11, "e2e-response", "End to end: received − intended, by percentile",
		percentiles(results.E2EResponse),
	})
	register(figure{
		12, "fetch-response", "Fetch of one record by offset: answer − intended, by percentile",
		percentiles(results.FetchResponse),
	})
}

// percentiles draws one curve per phase in HdrHistogram's manner: each nine of
// the percentile takes as much room as the one before, so that the tail, which
// is what a user waits for, is not squeezed into the last pixel.
func percentiles(s results.Series) func(*plot.Plot, *results.Trial) error {
	return func(p *plot.Plot, t *results.Trial) error {
		nines := 1.0
		drawn := 0
		for i, phase := range t.Run.Phases {
			h := t.Merged(s, phase.Name)
			if h.TotalCount() == 0 {
				continue
			}
			drawn++
			nines = max(nines, math.Log10(float64(h.TotalCount())))
			name := fmt.Sprintf("%s (n = %d)", phase.Name, h.TotalCount())
			if err := line(p, name, curve(h), hue(i), plotter.PostStep); err != nil {
				return err
			}
		}
		if drawn == 0 {
			return ErrNoData
		}
		nines = min(math.Ceil(nines), 7)
		p.X.Label.Text, p.Y.Label.Text = "percentile", "ms"
		p.X.Min, p.X.Max = 0, nines
		p.X.Tick.Marker = percentileTicks(int(nines))
		logAxis(p)
		return nil
	}
}

// curve is milliseconds over log10(1 ÷ (1 − quantile)). The last point, the
// maximum, would lie at infinity; it stands where one of n values does.
func curve(h *hdrhistogram.Histogram) plotter.XYs {
	last := math.Log10(float64(h.TotalCount()))
	var pts plotter.XYs
	for _, b := range h.CumulativeDistributionWithTicks(20) {
		x := last
		if b.Quantile < 100 {
			x = min(last, -math.Log10(1-b.Quantile/100))
		}
		pts = append(pts, plotter.XY{X: x, Y: milliseconds(b.ValueAt)})
	}
	return pts
}

// milliseconds keeps above zero, for the sake of the logarithm.
func milliseconds(ns int64) float64 { return max(float64(ns), 1000) / 1e6 }

func percentileTicks(nines int) plot.ConstantTicks {
	ticks := plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: math.Log10(2), Label: "50 %"}}
	for n := 1; n <= nines; n++ {
		p := 100 * (1 - math.Pow(10, -float64(n)))
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: fmt.Sprintf("%.*f %%", max(0, n-2), p)})
	}
	return ticks
}

// logAxis makes Y logarithmic over whole decades.
func logAxis(p *plot.Plot) {
	p.Y.Scale = plot.LogScale{}
	lo := math.Floor(math.Log10(p.Y.Min))
	hi := math.Ceil(math.Log10(p.Y.Max))
	if hi <= lo {
		hi = lo + 1
	}
	p.Y.Min, p.Y.Max = math.Pow(10, lo), math.Pow(10, hi)
	var ticks plot.ConstantTicks
	for d := lo; d <= hi; d++ {
		base := math.Pow(10, d)
		ticks = append(ticks, plot.Tick{Value: base, Label: fmt.Sprintf("%g", base)})
		for m := 2.0; m < 10 && d < hi; m++ {
			ticks = append(ticks, plot.Tick{Value: m * base})
		}
	}
	p.Y.Tick.Marker = ticks
}
