package replay

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidelog/tide/cacheexp/policy"
)

// survey reads a trace once to count its footprint, and finds each request's
// next one if that is wanted and the format does not tell.
//
// The next requests come from a backward pass over a temporary file with eight
// bytes for each request. The forward pass writes each block's number there;
// going backward, a slice with the latest request for each block turns the
// numbers into what follows, a piece of the file at a time:
//
//	blocks   0 1 0 2 1       ─▶ forward
//	next     2 4 – – –       ◀─ backward
type survey struct {
	Footprint
	requests int64
	seen     policy.Numbers
	out      *bufio.Writer // of next; nil if it is not wanted
	next     *os.File
}

// newSurvey makes the temporary file at once without a name, so that it goes
// with the process.
func newSurvey(wantNext bool) (*survey, error) {
	s := &survey{}
	if !wantNext {
		return s, nil
	}
	f, err := os.CreateTemp("", "tide-next-*")
	if err != nil {
		return nil, fmt.Errorf("a file for the next requests: %w; TMPDIR names the folder", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.next, s.out = f, bufio.NewWriterSize(f, 256<<10)
	return s, nil
}

// close gives the temporary file up.
func (s *survey) close() {
	if s.next != nil {
		s.next.Close()
	}
}

// read goes through the trace.
func (s *survey) read(ctx context.Context, src Source) error {
	batch := make([]Request, batchLength)
	for {
		n, err := src.Read(batch)
		if errors.Is(err, io.EOF) {
			return s.finish()
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		for i := range batch[:n] {
			if err := s.count(&batch[i]); err != nil {
				return err
			}
		}
	}
}

func (s *survey) count(r *Request) error {
	number, isNew := s.seen.Of(r.key())
	if isNew {
		s.Objects++
		s.Bytes += r.bytes()
	}
	s.requests++
	if s.out == nil {
		return nil
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(number))
	_, err := s.out.Write(b[:])
	return err
}

// pieceLength is how many requests of the temporary file are turned at a time.
const pieceLength = 32 << 10

// finish turns the numbers into next requests, from the end to the start.
func (s *survey) finish() error {
	if s.out == nil {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	latest := make([]int64, s.seen.Len())
	for i := range latest {
		latest[i] = Never
	}
	buf := make([]byte, 8*pieceLength)
	for end := s.requests; end > 0; {
		start := max(0, end-pieceLength)
		piece := buf[:8*(end-start)]
		if _, err := s.next.ReadAt(piece, 8*start); err != nil {
			return err
		}
		for i := end - 1; i >= start; i-- {
			b := piece[8*(i-start):][:8]
			number := binary.LittleEndian.Uint64(b)
			binary.LittleEndian.PutUint64(b, uint64(latest[number]))
			latest[number] = i
		}
		if _, err := s.next.WriteAt(piece, 8*start); err != nil {
			return err
		}
		end = start
	}
	return nil
}

// told is a source whose requests know their next ones, from the survey's file.
type told struct {
	Source
	in *bufio.Reader
}

func (s *survey) tell(src Source) Source {
	if s.next == nil {
		return src
	}
	return &told{src, bufio.NewReaderSize(io.NewSectionReader(s.next, 0, 8*s.requests), 256<<10)}
}

// Read implements Source.
func (t *told) Read(dst []Request) (int, error) {
	n, err := t.Source.Read(dst)
	var b [8]byte
	for i := range dst[:n] {
		if _, err := io.ReadFull(t.in, b[:]); err != nil {
			return 0, fmt.Errorf("the trace has grown since it was surveyed: %w", err)
		}
		dst[i].Next = int64(binary.LittleEndian.Uint64(b[:]))
	}
	return n, err
}
