package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/tidelog/tide/cacheexp/trace"
)

// oracleSize is the length of a request in bytes: libCacheSim's oracleGeneral,
// little-endian.
//
//	0      4      12     16              24
//	┌──────┬──────┬──────┬───────────────┐
//	│ time │ id   │ size │ next request  │
//	└──────┴──────┴──────┴───────────────┘
//
// The time is in seconds; the next request for the block is a number, negative
// or the largest there is for none.
const oracleSize = 24

// oracleSource reads oracleGeneral.
type oracleSource struct {
	in *bufio.Reader
	at int64 // byte position of the next request
	fill
}

func newOracle(r *bufio.Reader) (Source, error) { return &oracleSource{in: r}, nil }

// Read implements Source.
func (s *oracleSource) Read(dst []Request) (int, error) { return s.read(dst, s.next) }

func (s *oracleSource) next(r *Request) error {
	b, err := s.in.Peek(oracleSize)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) && len(b) == 0:
		return io.EOF
	case errors.Is(err, io.EOF):
		return fmt.Errorf("position %d: want requests of %d bytes, found %d at the end", s.at, oracleSize, len(b))
	default:
		return fmt.Errorf("position %d: %w", s.at, err)
	}
	size := binary.LittleEndian.Uint32(b[12:])
	if size > math.MaxInt32 {
		return fmt.Errorf("position %d: want a size of less than 2 GiB, found %d", s.at, size)
	}
	next := int64(binary.LittleEndian.Uint64(b[16:]))
	if next < 0 {
		next = Never
	}
	*r = Request{Next: next, Access: trace.Access{
		Time:   int64(binary.LittleEndian.Uint32(b)) * 1e9,
		Object: int64(binary.LittleEndian.Uint64(b[4:])),
		Size:   int32(size),
	}}
	s.at += oracleSize
	_, err = s.in.Discard(oracleSize) // cannot fail: it was peeked at
	return err
}
