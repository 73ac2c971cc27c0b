package wire

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// answer is one entry of a connection's FIFO.
type answer interface {
	// ready tells whether it can be encoded. It turns true once and stays so;
	// whoever turns it true on another goroutine than the reader's calls
	// conn.completed afterwards.
	ready() bool
	// size is about the number of bytes that it holds until it is sent.
	size() int64
	// encode appends one frame. Called once, when ready, by whoever flushes.
	encode(o *outgoing)
	// release gives back what it pinned, after the write or instead of it.
	release()
}

// message is an answer that was encoded when it was made.
type message struct{ frame []byte }

func (m *message) ready() bool { return true }
func (m *message) size() int64 { return int64(len(m.frame)) }
func (m *message) release()    {}

// encode copies what is small: an entry of a writev costs about as much as
// copying some KiB.
func (m *message) encode(o *outgoing) {
	if len(m.frame) <= 4<<10 {
		o.buf = append(o.buf, m.frame...)
		return
	}
	o.external(m.frame)
}

// newMessage encodes a whole frame.
func newMessage(r *request, resp kmsg.Response) *message {
	frame := make([]byte, lengthSize, 256)
	frame = binary.BigEndian.AppendUint32(frame, uint32(r.correlation))
	if resp.IsFlexible() && r.api.key != keyApiVersions {
		frame = append(frame, 0)
	}
	frame = resp.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-lengthSize))
	return &message{frame: frame}
}

// outgoing collects frames for one writev: what is encoded goes into buf, what
// is pinned elsewhere is only referred to.
//
//	buf   │ header │ header          │ header │
//	cuts           └─ records, records        └─ records
type outgoing struct {
	buf  []byte
	cuts []cut
	ext  int // external bytes so far
	vec  [][]byte
}

// cut says that the external bytes stand before buf[at:].
type cut struct {
	at    int
	bytes []byte
}

func (o *outgoing) external(b []byte) {
	if len(b) > 0 {
		o.cuts = append(o.cuts, cut{len(o.buf), b})
		o.ext += len(b)
	}
}

// begin starts a frame and returns its mark for end.
func (o *outgoing) begin(correlation int32, flexible bool) (at, ext int) {
	at, ext = len(o.buf), o.ext
	o.buf = append(o.buf, 0, 0, 0, 0)
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(correlation))
	if flexible {
		o.buf = append(o.buf, 0)
	}
	return at, ext
}

// end writes the length of the frame that began at the mark.
func (o *outgoing) end(at, ext int) {
	n := len(o.buf) - at - lengthSize + o.ext - ext
	binary.BigEndian.PutUint32(o.buf[at:], uint32(n))
}

// vector lays the pieces out in order. It is valid until the next append: only
// here is it certain that buf has stopped moving.
func (o *outgoing) vector() [][]byte {
	o.vec = o.vec[:0]
	from := 0
	for _, c := range o.cuts {
		if c.at > from {
			o.vec = append(o.vec, o.buf[from:c.at])
			from = c.at
		}
		o.vec = append(o.vec, c.bytes)
	}
	if from < len(o.buf) {
		o.vec = append(o.vec, o.buf[from:])
	}
	return o.vec
}

// keepEncoded is how much encoding space a connection keeps between writes.
const keepEncoded = 64 << 10

func (o *outgoing) reset() {
	if cap(o.buf) > keepEncoded {
		o.buf = nil
	}
	clear(o.cuts) // no reference to released memory stays behind
	clear(o.vec[:cap(o.vec)])
	o.buf, o.cuts, o.vec, o.ext = o.buf[:0], o.cuts[:0], o.vec[:0], 0
}
