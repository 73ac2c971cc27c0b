package figures

import (
	"image/color"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tidelog/tide/results"
)

func init() {
	register(figure{20, "timeline-latency", "Produce response time, each second", latencyTimeline})
	register(figure{21, "timeline-rates", "Rates, each second", rateTimeline})
}

// latencyTimeline shows the percentiles of each interval of the response log.
func latencyTimeline(p *plot.Plot, t *results.Trial) error {
	log := t.Logs[results.ProduceResponse]
	if len(log) == 0 {
		return ErrNoData
	}
	curves := []struct {
		name string
		at   float64
	}{{"p50", 50}, {"p99", 99}, {"max", 100}}
	for i, c := range curves {
		var pts plotter.XYs
		for _, iv := range log {
			// The rest of a second that a phase's end cut off holds too few
			// records to have percentiles.
			if iv.End.Sub(iv.Start) < 50*time.Millisecond {
				continue
			}
			v := milliseconds(iv.Hist.ValueAtPercentile(c.at))
			pts = append(pts,
				plotter.XY{X: iv.Start.Sub(t.Run.Started).Seconds(), Y: v},
				plotter.XY{X: iv.End.Sub(t.Run.Started).Seconds(), Y: v})
		}
		if err := line(p, c.name, pts, hue(i), plotter.NoStep); err != nil {
			return err
		}
	}
	p.X.Label.Text, p.Y.Label.Text = "seconds since the start", "ms"
	logAxis(p)
	bands(p, t)
	return nil
}

// rateTimeline shows what was acknowledged, tailed and caught up.
func rateTimeline(p *plot.Plot, t *results.Trial) error {
	curves := []struct{ name, column string }{
		{"acknowledged", "acked_mib_per_s"},
		{"tailing consumers", "consumed_mib_per_s"},
		{"catch-up consumers", "caught_up_mib_per_s"},
	}
	if len(t.Timeline.Rows) < 2 {
		return ErrNoData
	}
	for i, c := range curves {
		pts := rates(t.Timeline, c.column)
		if peak(pts) == 0 {
			continue
		}
		if err := line(p, c.name, pts, hue(i), plotter.PreStep); err != nil {
			return err
		}
	}
	p.X.Label.Text, p.Y.Label.Text = "seconds since the start", "MiB/s"
	p.Y.Min, p.Y.Max = 0, p.Y.Max*1.15 // room for the phases' names
	bands(p, t)
	return nil
}

// shortest is the least interval, in seconds, over which a rate is drawn. The
// one that the end of a phase cuts off may last some hundredths: what happens to
// fall into it makes a spike that nothing ever ran at.
const shortest = 0.5

// rates of a column within phases: what follows them, such as reading
// everything back to verify it, is no part of the measurement. Intervals that
// are too short are merged into their neighbour.
func rates(t results.Timeline, column string) plotter.XYs {
	var spans []span
	from := 0.0
	for r, v := range t.Column(column) {
		row := t.Rows[r]
		if row.Phase != "" {
			spans = join(spans, span{from, row.T, v * (row.T - from)})
		}
		from = row.T
	}
	var pts plotter.XYs
	for _, s := range spans {
		v := s.amount / max(s.to-s.from, 1e-9)
		if len(pts) == 0 {
			pts = append(pts, plotter.XY{X: s.from, Y: v})
		}
		pts = append(pts, plotter.XY{X: s.to, Y: v})
	}
	return pts
}

// span is how much came between two times, in seconds.
type span struct{ from, to, amount float64 }

// join adds a span to the others: to the one before when either is too short.
func join(spans []span, s span) []span {
	if n := len(spans); n > 0 {
		last := &spans[n-1]
		if s.from <= last.to && (s.to-s.from < shortest || last.to-last.from < shortest) {
			last.to, last.amount = s.to, last.amount+s.amount
			return spans
		}
	}
	return append(spans, s)
}

func peak(pts plotter.XYs) float64 {
	m := 0.0
	for _, p := range pts {
		m = max(m, p.Y)
	}
	return m
}

// phaseBands shades every other phase and writes the names above.
type phaseBands struct {
	phases []results.Phase
	font   font.Font
}

func bands(p *plot.Plot, t *results.Trial) {
	if len(t.Run.Phases) == 0 {
		return
	}
	f := p.Legend.TextStyle.Font
	p.Add(phaseBands{t.Run.Phases, f})
	p.X.Min, p.X.Max = 0, max(p.X.Max, t.Run.Phases[len(t.Run.Phases)-1].End)
	p.Legend.Left, p.Legend.XOffs = false, -6
}

// Plot draws with a colour that lets grid and curves shine through, since a
// plotter cannot be put behind one that was added before.
func (b phaseBands) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	sty := text.Style{Color: color.Gray{90}, Font: b.font, XAlign: draw.XLeft, YAlign: draw.YTop, Handler: plot.DefaultTextHandler}
	for i, ph := range b.phases {
		x0, x1 := x(ph.Start), x(ph.End)
		if i%2 == 1 {
			c.FillPolygon(color.NRGBA{120, 120, 160, 30}, []vg.Point{
				{X: x0, Y: c.Min.Y}, {X: x1, Y: c.Min.Y}, {X: x1, Y: c.Max.Y}, {X: x0, Y: c.Max.Y},
			})
		}
		c.FillText(sty, vg.Point{X: x0 + 3, Y: c.Max.Y - 3}, ph.Name)
	}
}
