package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidelog/tide/internal/bounded"
)

// Bounds of files that are read. Ours stay far below them: what is larger has
// not been written here.
const (
	maxJSON     = 16 << 20 // bytes of run.json, env.json, matrix.json
	maxHlog     = 4 << 30  // bytes; they are read line by line
	maxTimeline = 256 << 20
	maxLine     = 1 << 20 // bytes of a line of an hlog or a timeline
)

// remedy ends every error about a broken file.
const remedy = "restore the file from a copy, or remove the folder and run the trial again"

// BrokenFile is an error about what a file holds.
type BrokenFile struct {
	Path string
	Line int // from 1; 0 when the whole file is meant
	Err  error
}

func (e *BrokenFile) Error() string {
	at := e.Path
	if e.Line > 0 {
		at = fmt.Sprintf("%s line %d", e.Path, e.Line)
	}
	return fmt.Sprintf("%s: %v; %s", at, e.Err, remedy)
}

// Unwrap gives the cause.
func (e *BrokenFile) Unwrap() error { return e.Err }

// readJSON reads a small file whole. One that is too large is broken.
func readJSON(path string, v any) error {
	b, err := bounded.Read(path, maxJSON)
	var over *bounded.Excess
	if errors.As(err, &over) {
		return &BrokenFile{path, 0, over}
	}
	if err != nil {
		return err
	}
	if line, err := decodeJSON(b, v); err != nil {
		return &BrokenFile{path, line, err}
	}
	return nil
}

// decodeJSON returns the line of what is wrong.
func decodeJSON(b []byte, v any) (line int, err error) {
	err = json.Unmarshal(b, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return lineOf(b, syntax.Offset), err
	case errors.As(err, &kind):
		return lineOf(b, kind.Offset), err
	}
	return 0, err
}

func lineOf(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(max(offset, 0), int64(len(b)))], []byte("\n"))
}

// lines gives a parser one line at each Read, so that the line in hand is the
// one that the parser has met, however much it would like to read ahead. A line
// or a file beyond its bound, and a line that check refuses, is an error.
type lines struct {
	in    *bufio.Reader
	left  int64                   // bytes that the file may still have
	rest  []byte                  // of the line in hand; belongs to in
	line  int                     // number of the line in hand, from 1
	check func(line []byte) error // nil: any line will do
}

func newLines(in io.Reader, most int64, check func([]byte) error) *lines {
	return &lines{in: bufio.NewReaderSize(in, maxLine), left: most, check: check}
}

// Read gives out the rest of the line in hand, or the next one.
func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *lines) next() error {
	line, err := l.in.ReadSlice('\n')
	if len(line) == 0 && err != nil {
		return err // io.EOF among them
	}
	l.line++
	l.left -= int64(len(line))
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("has more than %d KiB", maxLine>>10)
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case l.left < 0:
		return errors.New("the file is longer than any that this program writes")
	}
	if l.check != nil {
		if err := l.check(line); err != nil {
			return err
		}
	}
	l.rest = line
	return nil
}
