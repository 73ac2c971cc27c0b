// Package inspect reads one object without the metadata that led to it, so it
// may be a foreign one, a copy, or wreckage.
//
//	file ──▶ Footer (the last 48 bytes) ──▶ IndexBlock, entry by entry
//	                                            └──▶ each entry's DataBlocks, batch by batch
//
// Nothing is held but one piece of the index and one piece of a payload: an
// object may be larger than memory. What is broken is named with the object,
// the position and what should have stood there. A broken entry or block does
// not end the reading; a broken footer or index does, as nothing behind it can
// be found.
//
// `tide object dump` and `tide object verify` print what it finds.
package inspect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/broker/object"
)

// ErrDamaged is wrapped when some part of an object is not what it should be.
var ErrDamaged = errors.New("the object is damaged")

// Object is one that can be read. Its methods are for one goroutine.
type Object struct {
	name string
	id   int64 // object.UnknownObject where the name does not say
	size int64 // bytes
	r    io.ReaderAt
	file io.Closer // nil: not ours
}

// Open opens a file. Its id is known when the path ends in an object's key.
func Open(name string) (*Object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %s: want a file that holds one object", name, info.Mode().Type())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := New(f, name, info.Size())
	o.file = f
	return o, nil
}

// New is an object of size bytes in r, called name in errors.
func New(r io.ReaderAt, name string, size int64) *Object {
	id, ok := object.KeyID(filepath.ToSlash(name))
	if !ok {
		id = object.UnknownObject
	}
	return &Object{name: name, id: id, size: size, r: r}
}

// Close closes the file that Open has opened.
func (o *Object) Close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// visitor is told what a scan finds, in the order of the object's index.
// Errors that it returns end the scan.
type visitor interface {
	// opened comes first, when the footer is good.
	opened(indexPosition int64) error
	// entry comes for each index entry, before all batches.
	entry(e object.IndexEntry) error
	// batch comes for each batch, with n bytes of payload.
	batch(b object.RecordBatch, n int32, payload io.Reader) error
	// damage is what stands in place of what is broken.
	damage(err error)
}

// pieceSize is how much is read at a time, in bytes.
const pieceSize = 256 << 10

// scan reads the whole object: all entries, then all batches. The error is
// that of a read, of the visitor or of ctx; damage is none.
func (o *Object) scan(ctx context.Context, v visitor) error {
	tail, err := o.footer()
	if err != nil {
		return o.report(v, err)
	}
	if err := v.opened(tail.IndexPosition); err != nil {
		return err
	}
	if err := o.entries(ctx, tail, v.entry); err != nil {
		return o.report(v, err)
	}
	in := bufio.NewReaderSize(nil, pieceSize)
	return o.entries(ctx, tail, func(e object.IndexEntry) error {
		in.Reset(io.NewSectionReader(o.r, e.Position, int64(e.Size)))
		return o.report(v, object.ReadEntry(o.id, e, in, v.batch))
	})
}

// report passes damage on; what is left is an error of the reading itself.
func (o *Object) report(v visitor, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, object.ErrCorrupt):
		v.damage(fmt.Errorf("%s: %w", o.name, err))
		return nil
	default:
		return fmt.Errorf("%s: %w", o.name, err)
	}
}

// footer reads the end of the object and nothing else: where the index begins
// matters only for what comes next.
func (o *Object) footer() (object.Tail, error) {
	last := make([]byte, min(o.size, object.FooterSize))
	if _, err := o.r.ReadAt(last, o.size-int64(len(last))); err != nil && !errors.Is(err, io.EOF) {
		return object.Tail{}, err
	}
	return object.ReadTail(o.id, o.size, last)
}

// entries reads the index, piece by piece.
func (o *Object) entries(ctx context.Context, t object.Tail, fn func(object.IndexEntry) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(o.r, t.IndexPosition, int64(t.IndexLength)), pieceSize)
	s := object.NewIndexScanner(o.id, t.IndexPosition)
	var raw [object.IndexEntrySize]byte
	for range t.IndexLength / object.IndexEntrySize {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.ReadFull(in, raw[:]); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		e, err := s.Next(raw[:])
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}
