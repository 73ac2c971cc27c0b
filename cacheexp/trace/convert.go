package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Formats that a trace can be converted to. Both are libCacheSim's; they hold
// the readers' requests for blocks alone, with a number for each block in the
// order of first appearance, counted from 1. Time is in whole seconds from the
// first request, so what came within a second keeps its order and nothing else.
//
//	csv             a header line, then time,obj_id,obj_size
//	oracleGeneral   24 bytes each, little-endian: time (4), id (8), size (4),
//	                number of the next request for the same block, from 0 (8;
//	                −1: there is none)
const (
	CSV           = "csv"
	OracleGeneral = "oracleGeneral"
)

// Formats are all of them.
var Formats = []string{CSV, OracleGeneral}

// Out is where a converted trace goes: oracleGeneral is written forwards, and
// each request's next one is filled in when it comes.
type Out interface {
	io.Writer
	io.WriterAt
}

// Converter writes the readers' requests of a trace in one of the Formats. It
// holds some tens of bytes for each distinct block.
type Converter struct {
	out interface {
		request(n int64, seconds uint32, id int64, size int32) error
		flush() error
	}
	ids      map[block]int64
	first, n int64
}

// NewConverter writes to out, which the caller closes.
func NewConverter(format string, out Out) (*Converter, error) {
	c := &Converter{ids: map[block]int64{}}
	switch format {
	case CSV:
		c.out = newCSV(out)
	case OracleGeneral:
		c.out = &oracle{out: out, latest: map[int64]int64{}}
	default:
		return nil, fmt.Errorf("format %q: want %s", format, strings.Join(Formats, " or "))
	}
	return c, nil
}

// Add writes an access if a reader made it.
func (c *Converter) Add(a Access) error {
	if !a.Kind.Demand() {
		return nil
	}
	if c.n == 0 {
		c.first = a.Time
	}
	key := block{a.Object, a.Position}
	if c.ids[key] == 0 {
		c.ids[key] = int64(len(c.ids)) + 1
	}
	c.n++
	return c.out.request(c.n-1, seconds(a.Time-c.first), c.ids[key], a.Size)
}

// Close writes what is held back and returns how many requests there were.
func (c *Converter) Close() (int64, error) { return c.n, c.out.flush() }

// Convert reads a trace to its end and returns how many requests it wrote, and how
// many accesses the trace says that it lacks: neither format can say that.
func Convert(r io.Reader, format string, out Out) (Totals, error) {
	c, err := NewConverter(format, out)
	if err != nil {
		return Totals{}, err
	}
	t, err := NewReader(r)
	if err != nil {
		return Totals{}, err
	}
	for {
		a, err := t.Next()
		if errors.Is(err, io.EOF) {
			n, err := c.Close()
			return Totals{Accesses: n, Lost: t.Lost()}, err
		}
		if err = errors.Join(err, c.Add(a)); err != nil {
			return Totals{Accesses: c.n, Lost: t.Lost()}, err
		}
	}
}

func seconds(ns int64) uint32 { return uint32(min(max(0, ns/1e9), math.MaxUint32)) }

type csv struct{ out *bufio.Writer }

func newCSV(out io.Writer) csv {
	c := csv{bufio.NewWriter(out)}
	_, _ = c.out.WriteString("time,obj_id,obj_size\n") // it keeps its first error
	return c
}

func (c csv) request(_ int64, seconds uint32, id int64, size int32) error {
	_, err := fmt.Fprintf(c.out, "%d,%d,%d\n", seconds, id, size)
	return err
}

func (c csv) flush() error { return c.out.Flush() }

const (
	oracleSize = 24      // bytes of a request
	oracleNext = 16      // where its next one stands
	oracleHeld = 1 << 16 // requests that are kept before they are written
)

// oracle keeps the last requests in memory, since a block is most often asked
// for again soon; the next of an older one is written into the file.
type oracle struct {
	out    Out
	latest map[int64]int64 // block → number of the latest request for it
	begun  int64           // number of the first request that is held
	held   []byte
}

func (o *oracle) request(n int64, seconds uint32, id int64, size int32) error {
	if before, again := o.latest[id]; again {
		if err := o.setNext(before, n); err != nil {
			return err
		}
	}
	o.latest[id] = n
	o.held = binary.LittleEndian.AppendUint32(o.held, seconds)
	o.held = binary.LittleEndian.AppendUint64(o.held, uint64(id))
	o.held = binary.LittleEndian.AppendUint32(o.held, uint32(size))
	o.held = binary.LittleEndian.AppendUint64(o.held, math.MaxUint64) // −1
	if len(o.held) == oracleHeld*oracleSize {
		return o.flush()
	}
	return nil
}

func (o *oracle) setNext(of, next int64) error {
	if of >= o.begun {
		binary.LittleEndian.PutUint64(o.held[(of-o.begun)*oracleSize+oracleNext:], uint64(next))
		return nil
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(next))
	_, err := o.out.WriteAt(b[:], of*oracleSize+oracleNext)
	return err
}

func (o *oracle) flush() error {
	_, err := o.out.Write(o.held)
	o.begun += int64(len(o.held) / oracleSize)
	o.held = o.held[:0]
	return err
}
