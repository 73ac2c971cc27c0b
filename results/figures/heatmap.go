package figures

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// heatMap draws named rows and columns of boxes, coloured by the logarithm of a
// number, each with some lines of text: what is drawn can also be read.
type heatMap struct {
	columns, rows []string
	boxes         []box
	low, high     float64 // of all panels that are to be compared
}

// box is one cell. Value 0 is a cell that there cannot be: grey.
type box struct {
	column, row int
	value       float64
	lines       []string // the first one larger
}

// shades go from good to bad, in an order that is also one of brightness.
var shades = []color.RGBA{{255, 250, 220, 255}, {254, 200, 100, 255}, {225, 90, 20, 255}, {110, 20, 10, 255}}

func (h *heatMap) shade(v float64) (fill, text color.Color) {
	at := 0.0
	if h.high > h.low {
		at = math.Log(v/h.low) / math.Log(h.high/h.low) * float64(len(shades)-1)
	}
	at = min(max(at, 0), float64(len(shades)-1))
	i := min(int(at), len(shades)-2)
	a, b, f := shades[i], shades[i+1], at-float64(i)
	mix := func(x, y uint8) uint8 { return uint8(float64(x) + f*(float64(y)-float64(x))) }
	text = color.Black
	if at > 1.8 {
		text = color.White
	}
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}, text
}

// Plot implements plot.Plotter.
func (h *heatMap) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, b := range h.boxes {
		left, right := x(float64(b.column)-0.49), x(float64(b.column)+0.49)
		bottom, top := y(float64(b.row)-0.48), y(float64(b.row)+0.48)
		var fill, ink color.Color = color.Gray{235}, color.Gray{130}
		if b.value > 0 {
			fill, ink = h.shade(b.value)
		}
		c.FillPolygon(fill, []vg.Point{{X: left, Y: bottom}, {X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}})
		const step = 10 // points from line to line
		at := (top+bottom)/2 + vg.Length(len(b.lines)-1)*step/2
		for i, text := range b.lines {
			size := vg.Length(7)
			if i == 0 {
				size = 9.5
			}
			s := textStyle(size, ink)
			s.XAlign, s.YAlign = draw.XCenter, draw.YCenter
			c.FillText(s, vg.Point{X: (left + right) / 2, Y: at}, text)
			at -= step
		}
	}
}

// DataRange implements plot.DataRanger.
func (h *heatMap) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.5, float64(len(h.columns)) - 0.5, -0.5, float64(len(h.rows)) - 0.5
}

func (h *heatMap) panel(title, x, y string) *plot.Plot {
	p := panel(title, x, y)
	p.Add(h)
	p.X.Tick.Marker, p.Y.Tick.Marker = names(h.columns), names(h.rows)
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	return p
}

func names(texts []string) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for i, t := range texts {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: t})
	}
	return ticks
}
