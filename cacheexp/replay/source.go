package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/tidelog/tide/cacheexp/trace"
)

// Tide is the format of `tide broker --trace`; the others are of package trace.
const Tide = "tide"

// Formats are all that can be read.
var Formats = append([]string{Tide}, trace.Formats...)

// Source yields a trace's requests in order. It is for one goroutine.
type Source interface {
	// Read fills dst as far as there are requests and returns how many. Behind
	// the last one it returns 0 and io.EOF; an error comes without requests.
	// Other errors name the line or the byte position.
	Read(dst []Request) (int, error)
}

// decoders make a source out of a stream of bytes.
var decoders = map[string]func(*bufio.Reader) (Source, error){
	Tide: newTide, trace.CSV: newCSV, trace.OracleGeneral: newOracle,
}

// Decode reads a trace of that format.
func Decode(r io.Reader, format string) (Source, error) {
	d, ok := decoders[format]
	if !ok {
		return nil, fmt.Errorf("format %q: want %s", format, strings.Join(Formats, ", "))
	}
	return d(bufio.NewReaderSize(r, 256<<10))
}

// Trace is a file that can be read several times.
type Trace struct {
	Path   string
	Format string
}

// Name is what results call it.
func (t Trace) Name() string { return filepath.Base(t.Path) }

// Validate reports an unknown format.
func (t Trace) Validate() error {
	if !slices.Contains(Formats, t.Format) {
		return fmt.Errorf("format %q: want %s", t.Format, strings.Join(Formats, ", "))
	}
	return nil
}

// Open begins to read at the first request. A file that begins with gzip's
// magic is unpacked on the way. The caller closes what it gets.
func (t Trace) Open() (*File, error) {
	f, err := os.Open(t.Path)
	if err != nil {
		return nil, err
	}
	src, err := open(f, t.Format)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", t.Path, err), f.Close())
	}
	return &File{src: src, path: t.Path, f: f}, nil
}

func open(r io.Reader, format string) (Source, error) {
	in, err := unpack(r)
	if err != nil {
		return nil, err
	}
	return Decode(in, format)
}

// unpack reads through gzip what begins with its magic.
func unpack(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" { // a short file is the decoder's to refuse
		return in, nil
	}
	return gzip.NewReader(in)
}

// File is an open trace.
type File struct {
	src  Source
	path string
	f    *os.File
}

// Read implements Source. Errors name the file.
func (f *File) Read(dst []Request) (int, error) {
	n, err := f.src.Read(dst)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", f.path, err)
	}
	return n, err
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// fill calls next until dst is full, and keeps an error for the call after the
// one that returns what came before it.
type fill struct{ err error }

func (f *fill) read(dst []Request, next func(*Request) error) (int, error) {
	n := 0
	for f.err == nil && n < len(dst) {
		if f.err = next(&dst[n]); f.err == nil {
			n++
		}
	}
	if n > 0 || len(dst) == 0 {
		return n, nil
	}
	return 0, f.err
}

// lost is how many requests a source knows to be missing from its trace.
func lost(s Source) int64 {
	switch s := s.(type) {
	case *File:
		return lost(s.src)
	case *told:
		return lost(s.Source)
	case interface{ Lost() int64 }:
		return s.Lost()
	}
	return 0
}
