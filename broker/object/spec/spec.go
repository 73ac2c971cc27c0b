// Package spec makes an object out of a description of its batches, so that a
// test or another program can have exactly the object it wants.
//
//	{"stream":233,"epoch":3,"base":10,"count":2,"payload":"AB8…"}   one line a batch
//	{"stream":233,"epoch":3,"base":12,"count":3,"payload":"…"}      in the object's order
//	        │
//	        └─ checked ─▶ object.Writer ─▶ DataBlocks, IndexBlock, Footer
//
// All five keys stand in each line, once, and no other. The payload is standard
// base64 with padding. A fault is named with its line.
package spec

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/tidelog/tide/broker/object"
)

// ErrSpec is wrapped by every error that says "this is no description of an
// object".
var ErrSpec = errors.New("not a description of an object")

// Bounds of a description. All of it is held in memory.
const (
	maxLine   = 128 << 20 // bytes
	maxObject = 1 << 30   // bytes of batches
)

// keys of a line.
var keys = []string{"stream", "epoch", "base", "count", "payload"}

// Layout reads a description, called name in errors, and lays the object out.
// blockSize is in bytes of payload.
func Layout(r io.Reader, name string, blockSize int) (object.Layout, error) {
	w := object.NewWriter(blockSize)
	total := 0
	err := Read(r, name, func(line int, b object.RecordBatch) error {
		if total += b.EncodedSize(); total > maxObject {
			return fmt.Errorf("%s line %d: more than %d bytes of batches: %w", name, line, maxObject, ErrSpec)
		}
		if err := w.Add(object.AppendBatch(nil, b)); err != nil {
			return fmt.Errorf("%s line %d: %w", name, line, err)
		}
		return nil
	})
	if err != nil {
		return object.Layout{}, err
	}
	l, err := w.Finish()
	if err != nil {
		return object.Layout{}, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// Read calls fn for the batch of each line; lines count from 1 and empty ones
// are passed over. The payload is fn's to keep.
func Read(r io.Reader, name string, fn func(line int, b object.RecordBatch) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		b, err := parse(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s line %d: %w: %w", name, n, ErrSpec, err)
		}
		if err := fn(n, b); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%s line %d: %w: longer than %d bytes", name, n+1, ErrSpec, maxLine)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s line %d: %w", name, n+1, err)
	}
	return nil
}

// parse reads one line. It goes through the tokens itself because encoding/json
// takes a key that comes twice, or in capitals, without a word.
func parse(line []byte) (object.RecordBatch, error) {
	var b object.RecordBatch
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return b, errors.Join(errors.New("want a JSON object"), err)
	}
	var seen []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return b, err
		}
		key, _ := t.(string) // of an object it is nothing else
		switch {
		case !slices.Contains(keys, key):
			return b, fmt.Errorf("unknown key %q: want %s", key, strings.Join(keys, ", "))
		case slices.Contains(seen, key):
			return b, fmt.Errorf("key %s stands there twice", key)
		}
		seen = append(seen, key)
		if err := value(dec, key, &b); err != nil {
			return b, fmt.Errorf("%s: %w", key, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return b, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return b, errors.New("something stands behind the JSON object")
	}
	return b, check(b, seen)
}

func value(dec *json.Decoder, key string, b *object.RecordBatch) error {
	switch key {
	case "payload":
		var text *string
		if err := dec.Decode(&text); err != nil {
			return err
		}
		if text == nil {
			return errors.New("want a string, found null")
		}
		// A line break inside of it would be taken without a word.
		if strings.ContainsAny(*text, "\r\n") {
			return errors.New("base64 with a line break")
		}
		var err error
		b.Payload, err = base64.StdEncoding.Strict().DecodeString(*text)
		return err
	case "count":
		return integer(dec, &b.Count)
	case "stream":
		return integer(dec, &b.StreamID)
	case "epoch":
		return integer(dec, &b.Epoch)
	default:
		return integer(dec, &b.BaseOffset)
	}
}

// integer takes no null, which encoding/json leaves at zero.
func integer[T int32 | int64](dec *json.Decoder, into *T) error {
	var v *T
	if err := dec.Decode(&v); err != nil {
		return err
	}
	if v == nil {
		return errors.New("want an integer, found null")
	}
	*into = *v
	return nil
}

// check refuses what the format could not hold, or no reader could find.
func check(b object.RecordBatch, seen []string) error {
	for _, k := range keys {
		if !slices.Contains(seen, k) {
			return fmt.Errorf("key %s is missing", k)
		}
	}
	switch {
	case b.Count < 1:
		return fmt.Errorf("count %d: want 1 or more", b.Count)
	case b.BaseOffset < 0 || b.BaseOffset > math.MaxInt64-math.MaxInt32:
		return fmt.Errorf("base %d: want 0 to 2^63-2^31", b.BaseOffset)
	}
	return nil
}
