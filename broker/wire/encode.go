package wire

import (
	"encoding/binary"

	"github.com/tidelog/tide/broker/meta"
)

// encoder appends the answers of the hot keys to an outgoing.
type encoder struct {
	*outgoing
	version  int16
	flexible bool
}

func (e *encoder) int16(v int16) { e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(v)) }
func (e *encoder) int32(v int32) { e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v)) }
func (e *encoder) int64(v int64) { e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v)) }

func (e *encoder) uvarint(v uint32) { e.buf = binary.AppendUvarint(e.buf, uint64(v)) }

// array writes the number of elements.
func (e *encoder) array(n int) { e.length(n, 4) }

// length writes a length of size bytes, or a varint when flexible.
func (e *encoder) length(n, size int) {
	switch {
	case e.flexible:
		e.uvarint(uint32(n) + 1)
	case size == 2:
		e.int16(int16(n))
	default:
		e.int32(int32(n))
	}
}

func (e *encoder) string(s []byte) {
	e.length(len(s), 2)
	e.buf = append(e.buf, s...)
}

// nullString writes a null string.
func (e *encoder) nullString() {
	if e.flexible {
		e.uvarint(0)
	} else {
		e.int16(-1)
	}
}

// endStruct writes no tags.
func (e *encoder) endStruct() {
	if e.flexible {
		e.uvarint(0)
	}
}

// since restricts a field to versions from v on.
func (e *encoder) since(v int16) bool { return e.version >= v }

// leaderHint is what a client that came to the wrong broker is told (KIP-951).
type leaderHint struct {
	leader, epoch int32
}

// noHint: the client came to the right broker, or nobody knows a better one.
var noHint = leaderHint{leader: meta.NoNode}

// tagLeader ends a partition with its CurrentLeader in the tag given.
func (e *encoder) tagLeader(tag uint32, h leaderHint) {
	e.uvarint(1)
	e.uvarint(tag)
	e.uvarint(9) // two int32 and no tags
	e.int32(h.leader)
	e.int32(h.epoch)
	e.uvarint(0)
}

// tagBrokers ends an answer with the addresses of the brokers that its hints
// name, in tag 0.
func (e *encoder) tagBrokers(brokers []Broker) {
	if len(brokers) == 0 {
		e.uvarint(0)
		return
	}
	body := outgoing{}
	in := encoder{&body, e.version, true}
	in.array(len(brokers))
	for _, b := range brokers {
		in.int32(b.ID)
		in.string([]byte(b.Host))
		in.int32(b.Port)
		if b.Rack == "" {
			in.nullString()
		} else {
			in.string([]byte(b.Rack))
		}
		in.uvarint(0)
	}
	e.uvarint(1)
	e.uvarint(0)
	e.uvarint(uint32(len(body.buf)))
	e.buf = append(e.buf, body.buf...)
}
