package inspect

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tidelog/tide/broker/object"
)

// entryJSON is an index entry in a dump.
type entryJSON struct {
	Stream   int64 `json:"stream"`
	Start    int64 `json:"start"`
	End      int64 `json:"end"` // exclusive
	Batches  int32 `json:"batches"`
	Position int64 `json:"position"`
	Size     int32 `json:"size"` // bytes
}

// batchJSON is a batch in a dump.
type batchJSON struct {
	Stream        int64  `json:"stream"`
	Epoch         int64  `json:"epoch"`
	Base          int64  `json:"base"`
	Count         int32  `json:"count"`
	PayloadLen    int32  `json:"payload_len"`
	PayloadSHA256 string `json:"payload_sha256"` // hex
}

// Dump prints the object as one JSON object, as it reads it:
//
//	{"size","index_position","entries":[…],"batches":[…]}
//
// What is broken is left out and told to damage, and the error wraps
// ErrDamaged; what has been printed is a JSON object all the same. Of an object
// without a good footer nothing is printed.
func Dump(ctx context.Context, o *Object, w io.Writer, damage func(error)) error {
	d := &dump{size: o.size, out: bufio.NewWriter(w), tell: damage, sum: sha256.New()}
	err := o.scan(ctx, d)
	if d.begun {
		err = errors.Join(err, d.end())
	}
	err = errors.Join(err, d.out.Flush())
	if err == nil && d.broken > 0 {
		return fmt.Errorf("%s: %w", o.name, ErrDamaged)
	}
	return err
}

// dump prints what a scan finds.
type dump struct {
	size    int64
	out     *bufio.Writer
	tell    func(error)
	sum     hash.Hash
	begun   bool // the object is open
	batches bool // the list of entries is closed, that of batches open
	some    bool // the open list has an item
	broken  int
}

func (d *dump) opened(indexPosition int64) error {
	d.begun = true
	_, err := fmt.Fprintf(d.out, `{"size":%d,"index_position":%d,"entries":[`, d.size, indexPosition)
	return err
}

func (d *dump) entry(e object.IndexEntry) error {
	return d.item(entryJSON{e.StreamID, e.StartOffset, e.EndOffset(), e.BatchCount, e.Position, e.Size})
}

func (d *dump) batch(b object.RecordBatch, n int32, payload io.Reader) error {
	d.openBatches()
	d.sum.Reset()
	if _, err := io.Copy(d.sum, payload); err != nil {
		return err
	}
	return d.item(batchJSON{b.StreamID, b.Epoch, b.BaseOffset, b.Count, n, hex.EncodeToString(d.sum.Sum(nil))})
}

func (d *dump) damage(err error) {
	d.broken++
	d.tell(err)
}

func (d *dump) openBatches() {
	if !d.batches {
		d.batches, d.some = true, false
		_, _ = d.out.WriteString(`],"batches":[`) // a bufio.Writer keeps its first error
	}
}

func (d *dump) item(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if d.some {
		_ = d.out.WriteByte(',')
	}
	d.some = true
	_, err = d.out.Write(text)
	return err
}

func (d *dump) end() error {
	d.openBatches()
	_, err := d.out.WriteString("]}\n")
	return err
}
