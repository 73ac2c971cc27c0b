package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The first two columns of timeline.csv; the others are the workload's.
const (
	columnTime  = "t_s"
	columnPhase = "phase"
)

// Timeline is timeline.csv: one row a second.
type Timeline struct {
	Columns []string // names with units, such as acked_per_s
	Rows    []Row
}

// Row is one interval.
type Row struct {
	T      float64 // seconds since the start of the trial, at the interval's end
	Phase  string
	Values []float64 // in the order of Columns
}

// Column gives the values of a column by name, or nil.
func (t Timeline) Column(name string) []float64 {
	i := slices.Index(t.Columns, name)
	if i < 0 {
		return nil
	}
	out := make([]float64, len(t.Rows))
	for r, row := range t.Rows {
		out[r] = row.Values[i]
	}
	return out
}

type timelineWriter struct {
	file    *os.File
	csv     *csv.Writer
	columns int
}

func createTimeline(dir string, columns []string) (*timelineWriter, error) {
	f, err := os.Create(filepath.Join(dir, "timeline.csv"))
	if err != nil {
		return nil, err
	}
	w := &timelineWriter{file: f, csv: csv.NewWriter(f), columns: len(columns)}
	return w, w.line(append([]string{columnTime, columnPhase}, columns...))
}

func (w *timelineWriter) line(fields []string) error {
	if err := w.csv.Write(fields); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

func (w *timelineWriter) write(r Row) error {
	if len(r.Values) != w.columns {
		panic(fmt.Sprintf("timeline row has %d values for %d columns", len(r.Values), w.columns))
	}
	fields := []string{moment(r.T), r.Phase}
	for _, v := range r.Values {
		fields = append(fields, number(v))
	}
	return w.line(fields)
}

// moment keeps the ns: the counts of an interval are its rates times its
// length, and the lengths are differences of these.
func moment(s float64) string { return strconv.FormatFloat(s, 'f', 9, 64) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

func (w *timelineWriter) close() error { return w.file.Close() }

// maxColumns of a timeline.
const maxColumns = 1 << 10

// readTimeline returns the line of what is wrong.
func readTimeline(r io.Reader) (t Timeline, line int, err error) {
	read := newLines(r, maxTimeline, nil)
	in := csv.NewReader(read) // refuses a row whose number of fields differs from the header's
	header, err := in.Read()
	if err != nil {
		return t, 1, fmt.Errorf("no header: %w", err)
	}
	if len(header) < 2 || len(header) > maxColumns || header[0] != columnTime || header[1] != columnPhase {
		return t, 1, fmt.Errorf("the header has %d columns and begins with %.40q, want %s,%s", len(header), header[0], columnTime, columnPhase)
	}
	t.Columns = header[2:]
	for {
		fields, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return t, 0, nil
		case err != nil:
			return t, read.line, err
		case len(t.Rows) == maxIntervals:
			return t, read.line, fmt.Errorf("more than %d rows", maxIntervals)
		}
		row, err := parseRow(fields)
		if err != nil {
			return t, read.line, err
		}
		t.Rows = append(t.Rows, row)
	}
}

func parseRow(fields []string) (Row, error) {
	row := Row{Phase: fields[1]}
	for i, f := range fields {
		if i == 1 {
			continue
		}
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return row, fmt.Errorf("column %d holds %.40q, want a number", i+1, f)
		}
		if i == 0 {
			row.T = v
			continue
		}
		row.Values = append(row.Values, v)
	}
	return row, nil
}
