package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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
	fields := []string{number(r.T), r.Phase}
	for _, v := range r.Values {
		fields = append(fields, number(v))
	}
	return w.line(fields)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

func (w *timelineWriter) close() error { return w.file.Close() }

func readTimeline(r io.Reader) (Timeline, error) {
	var t Timeline
	in := csv.NewReader(r) // refuses a row whose number of fields differs from the header's
	header, err := in.Read()
	if err != nil {
		return t, fmt.Errorf("header: %w", err)
	}
	if len(header) < 2 || header[0] != columnTime || header[1] != columnPhase {
		return t, fmt.Errorf("header is %q, want it to start with %s,%s", header, columnTime, columnPhase)
	}
	t.Columns = header[2:]
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		row, err := parseRow(fields)
		if err != nil {
			return t, fmt.Errorf("row %d: %w", len(t.Rows)+1, err)
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
		if err != nil {
			return row, err
		}
		if i == 0 {
			row.T = v
			continue
		}
		row.Values = append(row.Values, v)
	}
	return row, nil
}
