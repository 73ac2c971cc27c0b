package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidelog/tide/broker/object"
)

// store is what the bare reader asks of S3.
type store interface {
	// List returns the objects below the prefix.
	List(ctx context.Context) ([]stored, error)
	// Get fills p from pos on.
	Get(ctx context.Context, key string, pos int64, p []byte) error
}

// stored is one object.
type stored struct {
	key  string
	id   int64
	size int64 // bytes
}

// located is a block of an object.
type located struct {
	stored
	object.IndexEntry
}

// span is adjacent blocks of one stream in one object: one GET.
type span struct {
	stored
	position int64 // bytes
	size     int   // bytes
	blocks   []object.IndexEntry
}

// plan is what has to be read for each stream, in order. A stream that does not
// begin at 0, or has a hole, is an error: a client would wait for ever.
func plan(ctx context.Context, s store, streams []int64, get int) ([][]span, error) {
	objects, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	blocks := map[int64][]located{}
	for _, o := range objects {
		index, err := readIndex(ctx, s, o)
		if err != nil {
			return nil, err
		}
		for _, e := range index {
			blocks[e.StreamID] = append(blocks[e.StreamID], located{o, e})
		}
	}
	out := make([][]span, len(streams))
	for i, id := range streams {
		if out[i], err = join(id, blocks[id], get); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readIndex(ctx context.Context, s store, o stored) (object.Index, error) {
	p := make([]byte, object.TailGuess(o.size))
	if err := s.Get(ctx, o.key, o.size-int64(len(p)), p); err != nil {
		return nil, err
	}
	tail, err := object.ReadTail(o.id, o.size, p)
	if err != nil {
		return nil, err
	}
	if tail.Index == nil {
		tail.Index = make([]byte, tail.IndexLength)
		if err := s.Get(ctx, o.key, tail.IndexPosition, tail.Index); err != nil {
			return nil, err
		}
	}
	return object.DecodeIndexAt(o.id, tail.IndexPosition, tail.Index)
}

// join puts a stream's blocks in order, and those that lie side by side into
// spans of at most get bytes; a larger block is a span all the same.
func join(stream int64, blocks []located, get int) ([]span, error) {
	slices.SortFunc(blocks, func(a, b located) int { return int(a.StartOffset - b.StartOffset) })
	var out []span
	var next int64
	for _, b := range blocks {
		if b.StartOffset != next {
			return nil, fmt.Errorf("stream %d: a block of offsets from %d where %d comes next: was it merged, or trimmed?", stream, b.StartOffset, next)
		}
		next = b.EndOffset()
		if n := len(out); n > 0 && out[n-1].takes(b, get) {
			out[n-1].size += int(b.Size)
			out[n-1].blocks = append(out[n-1].blocks, b.IndexEntry)
			continue
		}
		out = append(out, span{stored: b.stored, position: b.Position, size: int(b.Size), blocks: []object.IndexEntry{b.IndexEntry}})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("stream %d is in no object", stream)
	}
	return out, nil
}

func (s span) takes(b located, get int) bool {
	return s.key == b.key && s.position+int64(s.size) == b.Position && s.size+int(b.Size) <= get
}
