package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Payload is what stands behind the header of a value. The header always lies
// over the first HeaderSize bytes, whatever stands below it.
type Payload struct {
	// File is the value of every record. It has the value's size.
	File []byte
	// Pool is the number of different values, one of which is taken for each
	// record. 0 and no File: a window of 1 MiB of pseudo-random bytes.
	Pool int
	// RandomRatio is the share of each value of the pool, from its start, that
	// is random; what follows is zeros, for a codec to find.
	RandomRatio float64
}

// maxPayloads bounds a pool, bytes.
const maxPayloads = 1 << 30

func (p Payload) validate(size int) error {
	var f faults
	f.want(p.File == nil || len(p.File) == size, "the payload file has %d bytes, want the value's size, %d", len(p.File), size)
	f.want(p.File == nil || p.Pool == 0, "a payload file and a pool of payloads are set, want one of them")
	f.want(p.Pool >= 0 && int64(p.Pool)*int64(size) <= maxPayloads, "a pool of %d payloads of %d bytes is not 0 to %d bytes", p.Pool, size, maxPayloads)
	f.want(p.RandomRatio >= 0 && p.RandomRatio <= 1, "the random share of payloads is %g, want 0 to 1", p.RandomRatio)
	return errors.Join(f...)
}

// payloads hands out what stands behind headers. Making it anew for each record
// would cost more than sending it.
type payloads struct {
	pool   []byte
	size   int    // of a value
	stride uint64 // a payload begins at each multiple of it
	count  uint64 // how many begin
}

const (
	payloadPool  = 1 << 20
	payloadStart = 64 // windows of the default pool begin at multiples of it
)

func newPayloads(p Payload, seed uint64, size int) *payloads {
	rng := rand.New(rand.NewPCG(seed, 0x74696465))
	switch {
	case p.File != nil:
		return &payloads{pool: p.File, size: size, count: 1}
	case p.Pool > 0:
		out := &payloads{pool: make([]byte, p.Pool*size), size: size, stride: uint64(size), count: uint64(p.Pool)}
		for i := range p.Pool {
			random(rng, out.pool[i*size:][:int(float64(size)*p.RandomRatio)])
		}
		return out
	}
	out := &payloads{pool: make([]byte, payloadPool+size), size: size, stride: payloadStart, count: payloadPool / payloadStart}
	random(rng, out.pool)
	return out
}

func random(rng *rand.Rand, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, rng.Uint64())
	}
	for i := range b {
		b[i] = byte(rng.Uint64())
	}
}

// of the record with this stamp: as long as the value, header included.
func (p *payloads) of(s Stamp) []byte {
	mix := (uint64(s.Sequence)<<20 ^ uint64(s.Producer)<<10 ^ uint64(s.Partition)) * 0x9e3779b97f4a7c15
	start := mix >> 32 % p.count * p.stride
	return p.pool[start:][:p.size]
}

func (p Payload) String() string {
	switch {
	case p.File != nil:
		return fmt.Sprintf("file of %d bytes", len(p.File))
	case p.Pool > 0:
		return fmt.Sprintf("%d payloads, %g random", p.Pool, p.RandomRatio)
	}
	return "pseudo-random"
}
