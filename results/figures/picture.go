package figures

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tidelog/tide/results"
)

// picture is several plots in rows and columns below one title:
//
//	title
//	durability · device · simulated
//	repeats · noise · machine
//	── uring  ── pwrite  -- fio
//	┌────┐ ┌────┐ ┌────┐
//	└────┘ └────┘ └────┘
type picture struct {
	name   string // stem of the files
	title  string
	below  []string // lines under the title
	legend []entry
	panels [][]*plot.Plot // rows of equal length; nil leaves a gap
	width  vg.Length
	height vg.Length
}

// entry of the legend.
type entry struct {
	name   string
	color  color.Color
	dashes []vg.Length // nil: solid
}

var dashed = []vg.Length{vg.Points(4), vg.Points(3)}

const (
	margin     = 8 * vg.Millimeter
	lineHeight = 5 * vg.Millimeter
)

// render draws the picture in both formats.
func (p picture) render() (Drawn, error) {
	d := Drawn{Name: p.name, Title: p.title}
	for format, into := range map[string]*[]byte{"svg": &d.SVG, "png": &d.PNG} {
		c, err := draw.NewFormattedCanvas(p.width, p.height, format)
		if err != nil {
			return Drawn{}, err
		}
		p.draw(draw.New(c))
		var buf bytes.Buffer
		if _, err := c.WriteTo(&buf); err != nil {
			return Drawn{}, err
		}
		*into = buf.Bytes()
	}
	d.SVG = portable(d.SVG)
	return d, nil
}

func (p picture) draw(dc draw.Canvas) {
	dc.FillPolygon(color.White, []vg.Point{dc.Min, {X: dc.Min.X, Y: dc.Max.Y}, dc.Max, {X: dc.Max.X, Y: dc.Min.Y}})
	y := dc.Max.Y - margin
	for i, text := range append([]string{p.title}, p.below...) {
		size := vg.Length(9)
		if i == 0 {
			size = 12
		}
		dc.FillText(textStyle(size, color.Black), vg.Point{X: dc.Min.X + margin, Y: y}, text)
		y -= lineHeight
	}
	if len(p.legend) > 0 {
		p.drawLegend(dc, y)
		y -= lineHeight
	}
	tiles := draw.Tiles{
		Rows: len(p.panels), Cols: len(p.panels[0]),
		PadX: 2 * vg.Millimeter, PadY: 3 * vg.Millimeter,
		PadLeft: 4 * vg.Millimeter, PadRight: 4 * vg.Millimeter, PadBottom: 3 * vg.Millimeter, PadTop: dc.Max.Y - y,
	}
	for i, row := range plot.Align(p.panels, tiles, dc) {
		for j, canvas := range row {
			if p.panels[i][j] != nil {
				p.panels[i][j].Draw(canvas)
			}
		}
	}
}

// drawLegend puts all entries on one line: a legend inside a panel would lie
// over the curves of one of them.
func (p picture) drawLegend(dc draw.Canvas, y vg.Length) {
	x := dc.Min.X + margin
	style := textStyle(9, color.Black)
	for _, e := range p.legend {
		dc.StrokeLine2(draw.LineStyle{Color: e.color, Width: vg.Points(1.8), Dashes: e.dashes}, x, y+3, x+7*vg.Millimeter, y+3)
		x += 8 * vg.Millimeter
		dc.FillText(style, vg.Point{X: x, Y: y}, e.name)
		x += style.Width(e.name) + 6*vg.Millimeter
	}
}

func textStyle(size vg.Length, c color.Color) draw.TextStyle {
	p := plot.New() // for its font and handler
	t := p.Title.TextStyle
	t.Font.Variant, t.Font.Size, t.Color = "Sans", size, c
	t.XAlign, t.YAlign = draw.XLeft, draw.YBottom
	return t
}

// panel is one plot of a picture, with less room than a figure of its own.
func panel(title, x, y string) *plot.Plot {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = 9, 2
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = 8, 8
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 7.5, 7.5
	return p
}

// whiskers are medians with a bar from the least to the most of the repeats.
type whiskers struct {
	plotter.XYs
	plotter.YErrors
}

func (w *whiskers) add(x float64, s results.Stat) {
	w.XYs = append(w.XYs, plotter.XY{X: x, Y: s.Median})
	w.YErrors = append(w.YErrors, struct{ Low, High float64 }{s.Median - s.Min, s.Max - s.Median})
}

// draw adds the curve to a panel. No points are no curve.
func (w *whiskers) draw(p *plot.Plot, e entry) error {
	if len(w.XYs) == 0 {
		return nil
	}
	l, err := plotter.NewLine(w.XYs)
	if err != nil {
		return err
	}
	l.LineStyle = draw.LineStyle{Color: e.color, Width: vg.Points(1.4), Dashes: e.dashes}
	p.Add(l)
	return w.dots(p, e)
}

// dots adds the points without a line, where the axis is of names.
func (w *whiskers) dots(p *plot.Plot, e entry) error {
	if len(w.XYs) == 0 {
		return nil
	}
	bars, err := plotter.NewYErrorBars(w)
	if err != nil {
		return err
	}
	bars.LineStyle = draw.LineStyle{Color: e.color, Width: vg.Points(0.8)}
	bars.CapWidth = vg.Points(4)
	dots, err := plotter.NewScatter(w.XYs)
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: e.color, Radius: vg.Points(1.8), Shape: draw.CircleGlyph{}}
	p.Add(bars, dots)
	return nil
}

// scaleRow gives all panels of a row the same logarithmic axis, so that their
// heights can be compared.
func scaleRow(row []*plot.Plot) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range row {
		lo, hi = min(lo, p.Y.Min), max(hi, p.Y.Max)
	}
	for _, p := range row {
		if hi <= 0 || math.IsInf(lo, 0) { // no curve in the whole row
			p.Y.Min, p.Y.Max = 0, 1
			continue
		}
		p.Y.Min, p.Y.Max = lo, hi
		logAxis(p)
	}
}

// maxRatio is where the axis of ratios ends: one trial that a neighbour
// disturbed would press all others onto the line of 1.
const maxRatio = 3

// ratioRow gives all panels of a row the same linear axis from zero, with 1 in
// it and marked. An axis that is cut says so.
func ratioRow(row []*plot.Plot) {
	hi := 1.25
	for _, p := range row {
		hi = max(hi, p.Y.Max*1.05)
	}
	for _, p := range row {
		if hi > maxRatio {
			p.Y.Label.Text += fmt.Sprintf(", cut at %d", maxRatio)
		}
		one := plotter.NewFunction(func(float64) float64 { return 1 })
		one.LineStyle = draw.LineStyle{Color: color.Gray{120}, Width: vg.Points(0.8), Dashes: dashed}
		p.Add(one)
		p.Y.Min, p.Y.Max = 0, min(hi, maxRatio)
	}
}
