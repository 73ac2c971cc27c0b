package replay

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidelog/tide/cacheexp/trace"
)

// Items is a trace with all that is in it: of a recording also what was
// prefetched, and when blocks came into being. It is for one goroutine.
type Items struct {
	next func() (trace.Access, error)
	lost func() int64
	path string
	f    *os.File
}

// Items begins to read at the first one. The caller closes what it gets.
func (t Trace) Items() (*Items, error) {
	f, err := os.Open(t.Path)
	if err != nil {
		return nil, err
	}
	i := &Items{path: t.Path, f: f, lost: func() int64 { return 0 }}
	if err := i.begin(t.Format); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", t.Path, err), f.Close())
	}
	return i, nil
}

func (t *Items) begin(format string) error {
	in, err := unpack(t.f)
	if err != nil {
		return err
	}
	if format == Tide {
		r, err := trace.NewReader(in)
		if err == nil {
			t.next, t.lost = r.Next, r.Lost
		}
		return err
	}
	src, err := Decode(in, format)
	var one [1]Request
	t.next = func() (trace.Access, error) {
		_, err := src.Read(one[:])
		a := one[0].Access
		a.Kind, a.Size = trace.Miss, max(a.Size, 1)
		return a, err
	}
	return err
}

// Lost is how many accesses a recording says that it lacks, up to the latest item.
func (t *Items) Lost() int64 { return t.lost() }

// Next returns the next item, or io.EOF behind the last one. Other errors name
// the file.
func (t *Items) Next() (trace.Access, error) {
	a, err := t.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", t.path, err)
	}
	return a, err
}

// Close closes the file.
func (t *Items) Close() error { return t.f.Close() }
