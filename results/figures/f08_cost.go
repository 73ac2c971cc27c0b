package figures

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
)

// F8: what a GiB costs, in four rows, by a price book and what was measured.
func init() { registerMatrix(f08(cost.Default())) }

// f08 with the prices of a book.
func f08(book cost.Book) MatrixFigure {
	sum := func(r cost.Rows) float64 { return r.Sum() }
	return MatrixFigure{
		ID: "F8", Matrix: "f8", Title: "F8  $ per GiB written: compute, storage, S3 requests, cross-AZ",
		priced:   f08,
		pictures: func(run *results.MatrixRun) ([]picture, error) { return f08Pictures(run, book) },
		Expected: []Expectation{
			{"tide: bytes put into objects ÷ written", 0.5, 3, f04Of(onlyKind(onTide), "run.put_bytes_per_byte")},
			{"tide: PUT requests a GiB put", 4, 2000, f04Of(onlyKind(onTide), "run.puts_per_gib_put")},
			{"tide ÷ Kafka: the four rows together", 0.05, 0.9, f08Against(book, cost.Tide, cost.Kafka, sum)},
			{"tide ÷ Kafka tiered: the four rows together", 0.05, 1.2, f08Against(book, cost.Tide, cost.KafkaTiered, sum)},
		},
	}
}

// f08Kinds are the systems, by the kind of target that was measured.
var f08Kinds = []struct {
	kind cost.Kind
	on   string
}{{cost.Tide, onTide}, {cost.Kafka, onKafka}, {cost.KafkaTiered, onKafkaTiered}}

// f08Rows puts prices on one system, by the medians of its cells.
func f08Rows(run *results.MatrixRun, book cost.Book, k cost.Kind) (cost.Rows, error) {
	cells := onlyKind(f08Kinds[k].on)(run.Cells())
	return priceOf(book, k, func(key string) (float64, error) { return medianOf(cells, key) })
}

func f08Against(book cost.Book, a, b cost.Kind, of func(cost.Rows) float64) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		x, errX := f08Rows(run, book, a)
		y, errY := f08Rows(run, book, b)
		return ratio(of(x), errX, of(y), errY)
	}
}

// f08Parts of a bar, from the bottom up.
var f08Parts = []struct {
	name string
	of   func(cost.Rows) float64
	fill color.Color
}{
	{"compute", func(r cost.Rows) float64 { return r.Compute }, hue(0)},
	{"storage", func(r cost.Rows) float64 { return r.Storage }, hue(2)},
	{"S3 requests", func(r cost.Rows) float64 { return r.Requests }, hue(1)},
	{"cross-AZ", func(r cost.Rows) float64 { return r.CrossAZ }, hue(5)},
}

func f08Pictures(run *results.MatrixRun, book cost.Book) ([]picture, error) {
	p := panel("", "", "$ per GiB written")
	bars := make([]plotter.Values, len(f08Parts))
	var systems []string
	var all []cost.Rows
	for _, k := range f08Kinds {
		rows, err := f08Rows(run, book, k.kind)
		if err != nil {
			continue
		}
		systems = append(systems, fmt.Sprintf("%v, %d brokers", k.kind, rows.Nodes))
		all = append(all, rows)
		for i, part := range f08Parts {
			bars[i] = append(bars[i], part.of(rows))
		}
	}
	if len(systems) == 0 {
		return nil, ErrNoData
	}
	if err := f08Bars(p, bars, f08Labels(all)); err != nil {
		return nil, err
	}
	p.X.Tick.Marker, p.X.Min, p.X.Max, p.Y.Min = names(systems), -0.5, float64(len(systems)), 0
	p.Y.Max *= 1.1
	pic := picture{
		name: "f08-cost", title: "F8  $ per GiB written", width: width, height: 15 * vg.Centimeter, panels: [][]*plot.Plot{{p}},
		below: append(caption(run, run.Cells()), append(wrap(book.Scenario.String()),
			wrap(fmt.Sprintf("prices: %s (%s); CPU, requests, bytes and log writes of one broker as measured here", book.Source, book.Date))...)...),
	}
	for _, part := range f08Parts {
		pic.legend = append(pic.legend, entry{part.name, part.fill, nil})
	}
	return []picture{pic}, nil
}

// f08Labels write each row's number beside its bar, at heights that do not depend
// on it: a part may be too thin to be seen.
func f08Labels(all []cost.Rows) plotter.XYLabels {
	var l plotter.XYLabels
	add := func(x, y float64, text string) {
		l.XYs, l.Labels = append(l.XYs, plotter.XY{X: x, Y: y}), append(l.Labels, text)
	}
	highest := 0.0
	for _, r := range all {
		highest = max(highest, r.Sum())
	}
	for x, r := range all {
		for i, part := range f08Parts {
			add(float64(x)+0.24, highest*(0.02+0.06*float64(i)), fmt.Sprintf("%s $%.2g", part.name, part.of(r)))
		}
		add(float64(x)-0.2, r.Sum()+highest*0.01, fmt.Sprintf("$%.3g", r.Sum()))
	}
	return l
}

// f08Bars stacks the parts and writes their numbers beside them.
func f08Bars(p *plot.Plot, parts []plotter.Values, labels plotter.XYLabels) error {
	var below *plotter.BarChart
	for i, values := range parts {
		b, err := plotter.NewBarChart(values, 2.2*vg.Centimeter)
		if err != nil {
			return err
		}
		b.Color, b.LineStyle.Width = f08Parts[i].fill, 0
		if below != nil {
			b.StackOn(below)
		}
		p.Add(b)
		below = b
	}
	l, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range l.TextStyle {
		l.TextStyle[i] = textStyle(7.5, color.Black)
	}
	p.Add(l)
	return nil
}
