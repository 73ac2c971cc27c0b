package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/tidelog/tide/broker/objstore"
)

// castagnoli is the polynomial of CRC32C, for which processors have an
// instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the CRC32C of a body, in the form that S3 has it.
func sum(b objstore.Body) uint32 {
	var crc uint32
	for _, p := range b {
		crc = crc32.Update(crc, castagnoli, p)
	}
	return crc
}

func encode(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

// pacePiece is how many bytes are asked for from the pacer at a time.
const pacePiece = 1 << 20

// reader sends a body out of its pieces, without a copy of the whole. The SDK
// seeks to learn its length and to begin again; each attempt reads it through
// a closer that cuts it off, so that nobody reads it after the attempt.
type reader struct {
	ctx  context.Context // of the call
	call *call
	body objstore.Body
	size int64

	pos    int64
	rest   objstore.Body // from pos on
	within int           // in rest[0]
	credit int           // bytes that the pacer has let go
}

func newReader(ctx context.Context, c *call, body objstore.Body) *reader {
	return &reader{ctx: ctx, call: c, body: body, size: body.Size(), rest: body}
}

// Read is part of io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.rest) > 0 && r.within == len(r.rest[0]) {
		r.rest, r.within = r.rest[1:], 0
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	if r.credit == 0 {
		n := int(min(pacePiece, r.size-r.pos))
		if err := r.call.waiting(func() error { return objstore.Pace(r.ctx, n) }); err != nil {
			return 0, err
		}
		r.credit = n
	}
	n := copy(p[:min(len(p), r.credit)], r.rest[0][r.within:])
	r.within += n
	r.credit -= n
	r.pos += int64(n)
	r.call.moved()
	return n, nil
}

// Seek is part of io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 || offset > r.size {
		return 0, errors.New("seek outside the body")
	}
	if offset != r.pos {
		r.pos, r.credit, r.within = offset, 0, 0
		r.rest = r.body.Section(offset, r.size-offset)
	}
	return offset, nil
}
