package compact

import (
	"fmt"
	"math"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
)

// output is an object to be: which bytes of which sources it is made of. All of
// that is known from the sources' indexes, before any data is read.
type output struct {
	kind    meta.ObjectKind
	shares  []meta.CompactedShare
	pieces  []piece
	parts   []part
	entries object.Index
	size    int64 // of the data, without index and footer
	batches int64 // bytes of record batches, as the ranges have it
	sources map[int64]bool
	uses    map[int64]int // ranges of each source

	shareBytes int64 // of the last share
}

// piece is a stretch of a source that goes into the output as it is.
type piece struct {
	source *source
	from   int64 // position in the source
	n      int64
}

// part is one entry of a source, as it must be found at its new place.
type part struct {
	id    int64             // of the source
	entry object.IndexEntry // with the position in the output
}

func newOutput(kind meta.ObjectKind) *output {
	return &output{kind: kind, sources: make(map[int64]bool), uses: make(map[int64]int)}
}

// add appends what the source holds of a range of the stream. Of the
// stream's first range the head may have been trimmed.
func (o *output) add(cfg Config, s meta.Stream, r meta.Range, bytes int64, src *source) error {
	o.sources[r.ObjectID] = true
	o.uses[r.ObjectID]++
	o.batches += bytes
	start, some := r.Start, false
	i, _ := src.index.Find(s.ID, max(r.Start, s.Start))
	for ; i < len(src.index) && src.index[i].StreamID == s.ID && src.index[i].StartOffset < r.End; i++ {
		e := src.index[i]
		if e.StartOffset < r.Start || e.EndOffset() > r.End {
			return fmt.Errorf("object %d: entry [%d, %d) crosses the range [%d, %d) of stream %d: %w",
				r.ObjectID, e.StartOffset, e.EndOffset(), r.Start, r.End, s.ID, object.ErrCorrupt)
		}
		if !some && r.Start < s.Start { // what lies wholly below the start stays behind
			start = min(e.StartOffset, s.Start)
		}
		fresh := !some && o.share(cfg, s, start, r.End, bytes)
		o.copy(cfg, src, e, fresh)
		some = true
	}
	if !some { // an accepted loss: offsets without a batch
		o.share(cfg, s, start, r.End, bytes)
	}
	return nil
}

// share notes the range [start, end): as a share of its own (true), or joined
// to the one before while that stays small enough to be searched by time.
func (o *output) share(cfg Config, s meta.Stream, start, end, bytes int64) (fresh bool) {
	if n := len(o.shares); n > 0 {
		last := &o.shares[n-1]
		if last.StreamID == s.ID && last.End == start && o.shareBytes+bytes <= cfg.rangeBytes() {
			last.End = end
			o.shareBytes += bytes
			return false
		}
	}
	o.shares = append(o.shares, meta.CompactedShare{StreamID: s.ID, Epoch: s.Epoch, Start: start, End: end})
	o.shareBytes = bytes
	return true
}

// copy appends an entry's blocks, grouped with the ones before where they are
// neighbours, of one share, and small.
func (o *output) copy(cfg Config, src *source, e object.IndexEntry, fresh bool) {
	if n := len(o.pieces); n > 0 && o.pieces[n-1].source == src && o.pieces[n-1].from+o.pieces[n-1].n == e.Position {
		o.pieces[n-1].n += int64(e.Size)
	} else {
		o.pieces = append(o.pieces, piece{source: src, from: e.Position, n: int64(e.Size)})
	}
	e.Position = o.size
	o.size += int64(e.Size)
	o.parts = append(o.parts, part{src.object.ID, e})
	if n := len(o.entries); n > 0 && !fresh && groups(o.entries[n-1], e, cfg.GroupBytes) {
		g := &o.entries[n-1]
		g.EndOffsetDelta = int32(e.EndOffset() - g.StartOffset)
		g.BatchCount += e.BatchCount
		g.Size += e.Size
		return
	}
	o.entries = append(o.entries, e)
}

// groups says whether the blocks of e may join those of g.
func groups(g, e object.IndexEntry, limit int) bool {
	return g.StreamID == e.StreamID &&
		int64(g.Size)+int64(e.Size) <= int64(limit) &&
		e.EndOffset()-g.StartOffset <= math.MaxInt32 &&
		int64(g.BatchCount)+int64(e.BatchCount) <= math.MaxInt32
}

// tail is index and footer.
func (o *output) tail() []byte {
	b := make([]byte, 0, o.entries.EncodedSize()+object.FooterSize)
	b = object.AppendIndex(b, o.entries)
	return object.AppendFooter(b, o.size, int32(o.entries.EncodedSize()))
}
