package trace

import (
	"bufio"
	"io"
)

// Writer writes a trace in order, for whoever can wait for the file: generators
// and tests. A broker's block cache has a Recorder. It is for one goroutine.
type Writer struct {
	out  *bufio.Writer
	n    int64
	item [itemSize]byte
}

// NewWriter writes a header to w, which the caller closes after Close. The
// writer keeps its first error and returns it from Close.
func NewWriter(w io.Writer) *Writer {
	t := &Writer{out: bufio.NewWriterSize(w, 256<<10)}
	_, _ = t.out.Write(header())
	return t
}

// Write appends an access.
func (t *Writer) Write(a Access) error {
	t.n++
	_, err := t.out.Write(appendAccess(t.item[:0], a))
	return err
}

// Close writes the end of the trace.
func (t *Writer) Close() error {
	_, _ = t.out.Write(appendMark(t.item[:0], endMark, Totals{Accesses: t.n}))
	return t.out.Flush()
}
