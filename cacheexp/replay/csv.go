package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/tidelog/tide/cacheexp/trace"
)

// csvHeader is the first line of a csv trace. Each other line is a request:
// seconds, the object's number and its size in bytes.
const csvHeader = "time,obj_id,obj_size"

// csvSource reads csv.
type csvSource struct {
	in   *bufio.Reader
	line int64 // that was read last, from 1
	fill
}

func newCSV(r *bufio.Reader) (Source, error) {
	s := &csvSource{in: r}
	head, err := s.text()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(head) != csvHeader {
		return nil, fmt.Errorf("line 1: want the header %s, found %.40q", csvHeader, head)
	}
	return s, nil
}

// Read implements Source.
func (s *csvSource) Read(dst []Request) (int, error) { return s.read(dst, s.next) }

func (s *csvSource) next(r *Request) error {
	b, err := s.text()
	if err != nil {
		return err
	}
	*r = Request{Next: Unknown}
	if r.Access, err = parse(b); err != nil {
		return fmt.Errorf("line %d: %w", s.line, err)
	}
	return nil
}

// text is the next line without its end; one that is empty is io.EOF if nothing
// follows.
func (s *csvSource) text() ([]byte, error) {
	b, err := s.in.ReadSlice('\n')
	s.line++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d: longer than %d bytes", s.line, len(b))
	case errors.Is(err, io.EOF) && len(b) == 0:
		return nil, io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("line %d: %w", s.line, err)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r")), nil
}

func parse(line []byte) (a trace.Access, err error) {
	first, rest, ok1 := bytes.Cut(line, []byte(","))
	second, third, ok2 := bytes.Cut(rest, []byte(","))
	if !ok1 || !ok2 {
		return a, fmt.Errorf("want %s, found %.40q", csvHeader, line)
	}
	seconds, err := number(first, "time in seconds", math.MaxInt64/1_000_000_000)
	if err != nil {
		return a, err
	}
	id, err := number(second, "obj_id", math.MaxUint64)
	if err != nil {
		return a, err
	}
	size, err := number(third, "obj_size", math.MaxInt32)
	if err != nil {
		return a, err
	}
	return trace.Access{Time: int64(seconds) * 1e9, Object: int64(id), Size: int32(size)}, nil
}

// number reads digits and nothing else. Short ones, nearly all, cannot
// overflow.
func number(b []byte, what string, most uint64) (uint64, error) {
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' || len(b) > 18 {
			return slowNumber(b, what, most)
		}
		n = n*10 + uint64(c-'0')
	}
	if len(b) == 0 || n > most {
		return slowNumber(b, what, most)
	}
	return n, nil
}

func slowNumber(b []byte, what string, most uint64) (uint64, error) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil || n > most {
		return 0, fmt.Errorf("want a %s from 0 to %d, found %.40q", what, most, b)
	}
	return n, nil
}
