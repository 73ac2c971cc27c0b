package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/object/inspect"
	"github.com/tidelog/tide/broker/object/spec"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/units"
)

func init() {
	register("object", "Write one object, or look into one.", &objectCmd{})
}

// objectCmd is `tide object`.
type objectCmd struct {
	Write  objectWriteCmd  `cmd:"" help:"Write an object of the batches that a description lists, a JSON line each."`
	Dump   objectDumpCmd   `cmd:"" help:"Print index and batches of an object as one JSON object. Works on objects of any size."`
	Verify objectVerifyCmd `cmd:"" help:"Hold every batch against the index, and Kafka record batches against their CRC; print counts and damage; exit 1 on damage."`
}

// objectWriteCmd is `tide object write`.
type objectWriteCmd struct {
	Spec      string      `required:"" help:"JSON lines {\"stream\",\"epoch\",\"base\",\"count\",\"payload\":BASE64}, in the order of the object: streams ascend, and offsets within a stream." placeholder:"F.jsonl"`
	BlockSize units.Bytes `help:"Payload bytes at which a DataBlock is closed." default:"1MiB" placeholder:"SIZE"`
	Out       string      `arg:"" help:"File to write. One that is there is replaced."`
	JSON      bool        `name:"json" help:"Print one JSON object instead of text."`
}

// maxBlockSize of an object that is written, in bytes: a block's length has 31
// bits, and the batch that closes it comes on top.
const maxBlockSize = 1 << 30

// Run prints what was written.
func (c *objectWriteCmd) Run(_ context.Context, std *stdio) (err error) {
	if c.BlockSize < 1 || c.BlockSize > maxBlockSize {
		return usageError{fmt.Errorf("--block-size %d: want 1 to %s", int64(c.BlockSize), units.Size(maxBlockSize))}
	}
	in, err := os.Open(c.Spec)
	if err != nil {
		return err
	}
	defer in.Close()
	l, err := spec.Layout(in, c.Spec, int(c.BlockSize))
	if err != nil {
		return err
	}
	sum, err := writeWhole(c.Out, l.Body)
	if err != nil {
		return err
	}
	batches := int64(0)
	for _, e := range l.Entries {
		batches += int64(e.BatchCount)
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(map[string]any{
			"size": l.Size, "index_position": l.IndexPosition, "entries": len(l.Entries), "batches": batches, "sha256": sum,
		})
	}
	fmt.Fprintf(std.out, "%d bytes, index at %d, %d entries, %d batches\nsha256 %s\n", l.Size, l.IndexPosition, len(l.Entries), batches, sum)
	return nil
}

// writeWhole puts the pieces into a file, which has all of them or is not
// there, and returns their SHA-256.
func writeWhole(name string, pieces [][]byte) (sum string, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".object-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	w := io.MultiWriter(f, h)
	for _, p := range pieces {
		if _, err := w.Write(p); err != nil {
			return "", errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), os.Rename(f.Name(), name)
}

// objectSource is the object that dump and verify read.
type objectSource struct {
	File  string `arg:"" help:"File that holds one object; with --store, its key or id."`
	Store string `help:"Store URL dir:PATH of the directory in which FILE is a key, or the id of an object in the namespace DEFAULT." placeholder:"URL"`
}

// open finds the file. Nothing is made or tidied up in a store's directory: it
// may be a running broker's.
func (s objectSource) open() (*inspect.Object, error) {
	if s.Store == "" {
		return inspect.Open(s.File)
	}
	at, err := objstore.ParseURL(s.Store)
	if err != nil {
		return nil, usageError{fmt.Errorf("--store: %w", err)}
	}
	if at.Scheme != objstore.SchemeDir {
		return nil, usageError{fmt.Errorf("--store %s: want dir:PATH; copy an object of another store into a file first", s.Store)}
	}
	key := s.File
	if id, err := strconv.ParseInt(key, 10, 64); err == nil && id >= 0 {
		key = object.Key("DEFAULT", id)
	}
	if err := objstore.CheckKey(key); err != nil {
		return nil, usageError{err}
	}
	return inspect.Open(filepath.Join(at.Path, filepath.FromSlash(key)))
}

// objectDumpCmd is `tide object dump`.
type objectDumpCmd struct {
	objectSource
	JSON bool `name:"json" help:"One JSON object: the only form there is, so this changes nothing."`
}

// Run prints as it reads.
func (c *objectDumpCmd) Run(ctx context.Context, std *stdio) (err error) {
	o, err := c.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return inspect.Dump(ctx, o, std.out, func(err error) { fmt.Fprintf(std.err, "damage: %v\n", err) })
}

// objectVerifyCmd is `tide object verify`.
type objectVerifyCmd struct {
	objectSource
	JSON bool `name:"json" help:"Print one JSON object instead of text."`
}

// Run prints what it found, also of an object that is damaged.
func (c *objectVerifyCmd) Run(ctx context.Context, std *stdio) (err error) {
	o, err := c.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	r, err := inspect.Verify(ctx, o)
	if err != nil && !errors.Is(err, inspect.ErrDamaged) {
		return err
	}
	if c.JSON {
		return cmp.Or(json.NewEncoder(std.out).Encode(r), err)
	}
	r.Print(std.out)
	return err
}
