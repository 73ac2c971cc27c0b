package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Reader reads a trace, item by item. It is for one goroutine.
type Reader struct {
	in      *bufio.Reader
	item    [itemSize]byte
	at      int64 // byte position of the next item
	totals  Totals
	ended   bool
	cut     bool
	counted int64
}

// NewReader checks the header. Errors wrap ErrFormat, or are those of r.
func NewReader(r io.Reader) (*Reader, error) {
	t := &Reader{in: bufio.NewReaderSize(r, 256<<10), at: headerSize}
	head := t.item[:headerSize]
	n, err := io.ReadFull(t.in, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: want a header of %d bytes, found %d", ErrFormat, headerSize, n)
	}
	if err != nil {
		return nil, err
	}
	return t, checkHeader(head)
}

// Next returns the next access, or io.EOF behind the last one. Other errors
// name the byte position.
func (t *Reader) Next() (Access, error) {
	for {
		n, err := io.ReadFull(t.in, t.item[:])
		switch {
		case errors.Is(err, io.EOF):
			return Access{}, io.EOF
		case errors.Is(err, io.ErrUnexpectedEOF): // the broker was killed in the middle of it
			t.cut = true
			return Access{}, io.EOF
		case err != nil:
			return Access{}, fmt.Errorf("position %d: %w", t.at+int64(n), err)
		case t.ended:
			return Access{}, fmt.Errorf("position %d: %w: something stands behind the end", t.at, ErrFormat)
		}
		a, isAccess, err := t.decode()
		if err != nil {
			return Access{}, fmt.Errorf("position %d: %w", t.at, err)
		}
		t.at += itemSize
		if isAccess {
			t.counted++
			return a, nil
		}
	}
}

// decode reads the item at hand; a mark is kept, and is no access.
func (t *Reader) decode() (a Access, isAccess bool, err error) {
	if kind := Kind(t.item[0]); kind != lostMark && kind != endMark {
		a, err = decodeAccess(t.item[:])
		return a, true, err
	}
	if t.totals, err = decodeMark(t.item[:]); err != nil {
		return a, false, err
	}
	if t.totals.Accesses != t.counted {
		return a, false, fmt.Errorf("%w: a mark says %d accesses, %d stand before it", ErrFormat, t.totals.Accesses, t.counted)
	}
	t.ended = Kind(t.item[0]) == endMark
	return a, false, nil
}

// Lost is how many accesses are missing, as far as the file says up to here.
func (t *Reader) Lost() int64 { return t.totals.Lost }

// Complete says, behind the last access, that the recording was ended in order.
func (t *Reader) Complete() bool { return t.ended && !t.cut }
