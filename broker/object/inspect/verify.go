package inspect

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/tidelog/tide/broker/object"
)

// maxDamage is how many faults a report names; it counts all of them.
const maxDamage = 100

// Report is what Verify found.
type Report struct {
	Size          int64 `json:"size"`           // bytes
	IndexPosition int64 `json:"index_position"` // −1: there is no good footer
	Streams       int64 `json:"streams"`        // in the index
	Entries       int64 `json:"entries"`        // of the index
	Batches       int64 `json:"batches"`        // that are good
	Records       int64 `json:"records"`        // of them
	PayloadBytes  int64 `json:"payload_bytes"`  // of them
	// Unchecked are batches whose payload is no Kafka record batch, so that
	// nothing tells whether it is what was written.
	Unchecked int64 `json:"unchecked"`
	// Unreferenced are bytes before the index that no entry covers. They break
	// nothing and can never be read.
	Unreferenced int64    `json:"unreferenced_bytes"`
	Damaged      int64    `json:"damaged"` // faults
	Damage       []string `json:"damage"`  // the first of them

	lastStream int64
	covered    int64
}

// Verify reads the whole object and holds every batch against its index entry.
// The error wraps ErrDamaged when something is broken; the report is good all
// the same.
func Verify(ctx context.Context, o *Object) (Report, error) {
	r := &Report{Size: o.size, IndexPosition: -1, Damage: []string{}}
	err := o.scan(ctx, r)
	if r.IndexPosition >= 0 {
		r.Unreferenced = max(0, r.IndexPosition-r.covered)
	}
	if err == nil && r.Damaged > 0 {
		err = fmt.Errorf("%s: %w", o.name, ErrDamaged)
	}
	return *r, err
}

func (r *Report) opened(indexPosition int64) error {
	r.IndexPosition = indexPosition
	return nil
}

func (r *Report) entry(e object.IndexEntry) error {
	if r.Entries == 0 || e.StreamID != r.lastStream {
		r.Streams++
	}
	r.lastStream = e.StreamID
	r.Entries++
	r.covered += int64(e.Size)
	return nil
}

func (r *Report) batch(b object.RecordBatch, n int32, payload io.Reader) error {
	r.Batches++
	r.Records += int64(b.Count)
	r.PayloadBytes += int64(n)
	return r.checksum(b, n, payload)
}

// A Kafka record batch (magic 2) begins with 21 bytes outside of its checksum:
//
//	base offset 8 · length 4 (of what follows it) · leader epoch 4 · magic 1 · CRC-32C 4
const (
	kafkaHead   = 21
	kafkaLeast  = 61 // bytes; a batch without records
	kafkaLength = 12 // bytes up to the end of the field length
	kafkaMagic  = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum holds a payload that is a Kafka record batch against its CRC. An
// object's own format has none, so any other payload is only counted.
func (r *Report) checksum(b object.RecordBatch, n int32, payload io.Reader) error {
	var head [kafkaHead]byte
	if n < kafkaLeast {
		r.Unchecked++
		return nil
	}
	if _, err := io.ReadFull(payload, head[:]); err != nil {
		return err
	}
	if head[16] != kafkaMagic || binary.BigEndian.Uint32(head[8:]) != uint32(n-kafkaLength) {
		r.Unchecked++
		return nil
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, payload); err != nil {
		return err
	}
	if want, got := binary.BigEndian.Uint32(head[17:]), sum.Sum32(); got != want {
		r.damage(fmt.Errorf("stream %d, batch at offset %d: CRC %08x, computed %08x", b.StreamID, b.BaseOffset, want, got))
	}
	return nil
}

func (r *Report) damage(err error) {
	r.Damaged++
	if len(r.Damage) < maxDamage {
		r.Damage = append(r.Damage, err.Error())
	}
}

// Print writes the report as text, a fact a line.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "size       %d bytes\n", r.Size)
	if r.IndexPosition < 0 {
		fmt.Fprintln(w, "index      not found")
	} else {
		fmt.Fprintf(w, "index      at %d, %d entries, %d streams\n", r.IndexPosition, r.Entries, r.Streams)
	}
	fmt.Fprintf(w, "batches    %d, %d records, %d bytes of payload\n", r.Batches, r.Records, r.PayloadBytes)
	if r.Unchecked > 0 {
		fmt.Fprintf(w, "unchecked  %d payloads that are no Kafka record batches, and so have no checksum\n", r.Unchecked)
	}
	if r.Unreferenced > 0 {
		fmt.Fprintf(w, "unused     %d bytes that no index entry covers\n", r.Unreferenced)
	}
	for _, d := range r.Damage {
		fmt.Fprintf(w, "damage     %s\n", d)
	}
	if more := r.Damaged - int64(len(r.Damage)); more > 0 {
		fmt.Fprintf(w, "damage     and %d more\n", more)
	}
}
