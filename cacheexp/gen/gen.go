// Package gen makes traces: requests for blocks that nobody had to record.
//
//	SPEC = NAME?key=value&key=value
//
//	zipf     blocks asked for independently, the k-th most wanted 1/k^alpha as
//	         often as the first
//	scanmix  the same, and readers that walk through much more than a cache holds
//	log      streams of a log: groups that tail, consumers that catch up
//
//	New(SPEC) ─▶ Next, Next, … ─▶ trace.Writer or trace.Converter
//
// A trace is a function of its spec, the seed included, and is made item by item:
// what is kept is a place for each reader, never what was made before. Requests
// have the kind of misses, as of a cache that holds nothing. One file per
// generator: it registers itself.
package gen

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidelog/tide/cacheexp/trace"
)

// Generator is a trace that is being made.
type Generator struct {
	Format string // trace.CSV, trace.OracleGeneral or Tide
	next   func() (trace.Access, bool)
}

// Tide is the format of this project's own traces; the others have neither
// readers nor offsets.
const Tide = "tide"

// New begins the trace that spec describes. Errors list what is known.
func New(spec string) (*Generator, error) {
	name, query, _ := strings.Cut(spec, "?")
	f, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("unknown generator %q (known: %s)", name, strings.Join(Names(), ", "))
	}
	p, err := parse(query)
	if err != nil {
		return nil, fmt.Errorf("generator %q: %w", spec, err)
	}
	format := p.word("format", Tide, append([]string{Tide}, trace.Formats...)...)
	next := f(p)
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("generator %q: %w", spec, err)
	}
	return &Generator{Format: format, next: next()}, nil
}

// Next returns the next item, or io.EOF behind the last one.
func (g *Generator) Next() (trace.Access, error) {
	a, ok := g.next()
	if !ok {
		return trace.Access{}, io.EOF
	}
	return a, nil
}

// sink takes a trace in one format.
type sink interface {
	add(a trace.Access) error
	close() error
}

// Write makes the rest of the trace in its format and returns how many requests
// it has. done is asked now and then and ends it with its error.
func (g *Generator) Write(out trace.Out, done func() error) (requests int64, err error) {
	s, err := g.sink(out)
	if err != nil {
		return 0, err
	}
	const often = 1 << 16
	for n := 0; ; n++ {
		a, err := g.Next()
		if errors.Is(err, io.EOF) {
			return requests, s.close()
		}
		if n%often == 0 {
			err = done()
		}
		if err = errors.Join(err, s.add(a)); err != nil {
			return requests, err
		}
		if a.Kind.Demand() {
			requests++
		}
	}
}

func (g *Generator) sink(out trace.Out) (sink, error) {
	if g.Format == Tide {
		return tide{trace.NewWriter(out)}, nil
	}
	c, err := trace.NewConverter(g.Format, out)
	return foreign{c}, err
}

type tide struct{ w *trace.Writer }

func (t tide) add(a trace.Access) error { return t.w.Write(a) }
func (t tide) close() error             { return t.w.Close() }

type foreign struct{ c *trace.Converter }

func (f foreign) add(a trace.Access) error { return f.c.Add(a) }

func (f foreign) close() error {
	_, err := f.c.Close()
	return err
}

// Names lists the generators in alphabetical order.
func Names() []string {
	names := make([]string, 0, len(registry))
	for n := range registry {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// maker reads its parameters; what it returns begins the trace, and is called
// only if they are all right.
type maker func(p *params) func() func() (trace.Access, bool)

// registry is filled by the init functions of the generators' files and only read
// afterwards.
var registry = map[string]maker{}

func register(name string, f maker) {
	if _, dup := registry[name]; dup {
		panic("generator registered twice: " + name)
	}
	registry[name] = f
}
