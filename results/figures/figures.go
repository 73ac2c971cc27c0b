// Package figures draws a trial with gonum/plot. It works on a loaded trial
// alone, so that a figure can always be made again from the files.
//
// A figure is a file here that calls register; nothing else is edited to add
// one. Every figure carries the trial's durability label and, where a model
// stands in for a real part, the word simulated.
package figures

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	// The two formats of a figure.
	_ "gonum.org/v1/plot/vg/vgimg"
	_ "gonum.org/v1/plot/vg/vgsvg"

	"github.com/tidelog/tide/results"
)

// ErrNoData is returned by a figure that has nothing to show for a trial; it
// is then left out.
var ErrNoData = errors.New("no data for this figure")

// figure is one kind of picture.
type figure struct {
	order int    // place in the report
	name  string // stem of the files
	title string
	draw  func(*plot.Plot, *results.Trial) error
}

var all []figure

func register(f figure) {
	all = append(all, f)
	slices.SortFunc(all, func(a, b figure) int { return a.order - b.order })
}

// Drawn is a figure in both formats.
type Drawn struct {
	Name  string
	Title string
	SVG   []byte
	PNG   []byte
}

const (
	width  = 24 * vg.Centimeter
	height = 10 * vg.Centimeter
	edge   = 3 * vg.Millimeter // white around the figure: the last label of an axis stands half beyond it
)

// Draw makes every figure that the trial has data for.
func Draw(t *results.Trial) ([]Drawn, error) {
	var out []Drawn
	for _, f := range all {
		d, err := drawOne(f, t)
		if errors.Is(err, ErrNoData) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("figure %s of %s: %w", f.name, t.Dir, err)
		}
		out = append(out, d)
	}
	return out, nil
}

func drawOne(f figure, t *results.Trial) (Drawn, error) {
	p := plot.New()
	style(p)
	p.Title.Text = f.title + "\n" + label(t)
	if err := f.draw(p, t); err != nil {
		return Drawn{}, err
	}
	d := Drawn{Name: f.name, Title: f.title}
	for format, into := range map[string]*[]byte{"svg": &d.SVG, "png": &d.PNG} {
		c, err := draw.NewFormattedCanvas(width, height, format)
		if err != nil {
			return Drawn{}, err
		}
		dc := draw.New(c)
		dc.SetColor(p.BackgroundColor)
		dc.Fill(dc.Rectangle.Path())
		p.Draw(draw.Crop(dc, edge, -edge, edge, -edge))
		var buf bytes.Buffer
		if _, err := c.WriteTo(&buf); err != nil {
			return Drawn{}, err
		}
		*into = buf.Bytes()
	}
	d.SVG = portable(d.SVG)
	return d, nil
}

// Write puts the figures into the trial's directory, under figures/.
func Write(t *results.Trial, drawn []Drawn) error { return write(t.Dir, drawn) }

func write(dir string, drawn []Drawn) error {
	dir = filepath.Join(dir, "figures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range drawn {
		err := errors.Join(
			os.WriteFile(filepath.Join(dir, d.Name+".svg"), d.SVG, 0o644),
			os.WriteFile(filepath.Join(dir, d.Name+".png"), d.PNG, 0o644),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// label is the line under every title: what the picture must not be quoted
// without.
func label(t *results.Trial) string {
	r := t.Run
	parts := []string{
		r.Workload + " on " + r.Target,
		fmt.Sprintf("acks=%s, flush=%s, replicas=%d", r.Durability.Acks, r.Durability.Flush, r.Durability.Replicas),
	}
	if len(r.Simulated) > 0 {
		parts = append(parts, "SIMULATED: "+strings.Join(r.Simulated, ", "))
	}
	if r.Verdict.Word != results.Valid {
		parts = append(parts, r.Verdict.Word)
	}
	return strings.Join(parts, "  ·  ")
}

// palette is Okabe and Ito's, which the colour-blind can tell apart.
var palette = []color.RGBA{
	{0, 114, 178, 255},
	{213, 94, 0, 255},
	{0, 158, 115, 255},
	{204, 121, 167, 255},
	{86, 180, 233, 255},
	{230, 159, 0, 255},
}

func hue(i int) color.RGBA { return palette[i%len(palette)] }

func style(p *plot.Plot) {
	p.BackgroundColor = color.White
	sans := func(f *font.Font, size vg.Length) { f.Variant, f.Size = "Sans", size }
	sans(&p.Title.TextStyle.Font, 11)
	p.Title.Padding = 6
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		sans(&a.Label.TextStyle.Font, 10)
		sans(&a.Tick.Label.Font, 9)
	}
	sans(&p.Legend.TextStyle.Font, 9)
	p.Legend.Top = true
	p.Legend.Left = true
	p.Legend.Padding = 2
	p.Legend.XOffs, p.Legend.YOffs = 6, -4
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(g)
}

// line adds a named curve.
func line(p *plot.Plot, name string, pts plotter.XYs, c color.Color, step plotter.StepKind) error {
	l, err := plotter.NewLine(pts)
	if err != nil {
		return fmt.Errorf("curve %s: %w", name, err)
	}
	l.LineStyle = draw.LineStyle{Color: c, Width: vg.Points(1.6)}
	l.StepStyle = step
	p.Add(l)
	p.Legend.Add(name, l)
	return nil
}
