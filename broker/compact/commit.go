package compact

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// written is an output in the store.
type written struct {
	out *output
	id  int64
	len int32 // of the index
	all int64 // bytes of the object
}

// put stores the object under a new id. Which id is of no use afterwards
// expires, and its bytes with it.
func (w *work) put(ctx context.Context, o *output, mem []byte) (written, error) {
	body := objstore.Body{mem, o.tail()}
	limit := putGrace
	if w.cfg.Rate > 0 {
		limit += time.Duration(float64(body.Size()) / float64(w.cfg.Rate) * float64(time.Second))
	}
	id, err := w.prepare(ctx, limit)
	if err != nil {
		return written{}, err
	}
	pctx, cancel := context.WithTimeout(objstore.WithPacer(ctx, w.writes.Wait), limit)
	defer cancel()
	if err := w.cfg.Store.Put(pctx, w.key(id), body); err != nil {
		return written{}, fmt.Errorf("put object %d: %w", id, err)
	}
	w.stats.bytesWritten.Add(body.Size())
	return written{out: o, id: id, len: int32(o.entries.EncodedSize()), all: body.Size()}, nil
}

func (w *work) key(id int64) string { return object.Key(w.cfg.Namespace, id) }

// prepare takes an id that stays valid for as long as the put may take, and as
// an upload's after that: bytes that come after the cleaner would stay for ever.
func (w *work) prepare(ctx context.Context, put time.Duration) (int64, error) {
	until := w.cfg.Clock().Add(put + w.cfg.PreparedFor).UnixMilli()
	res, err := w.cfg.Meta.Propose(ctx, meta.PrepareObjects{NodeID: w.cfg.NodeID, NodeEpoch: w.cfg.NodeEpoch, Count: 1, Until: until})
	return res.FirstObjectID, err
}

// commit makes what was written readable. It is one output's: the shares of
// many might be more than a command should hold, and one that is refused, or
// whose id has expired, takes no other with it.
func (w *work) commit(ctx context.Context, x written) error {
	c := meta.CompactObjects{
		NodeID: w.cfg.NodeID, NodeEpoch: w.cfg.NodeEpoch, Sources: slices.Sorted(maps.Keys(x.out.sources)),
		Objects: []meta.CompactedObject{{
			ObjectID: x.id, Kind: x.out.kind, Key: w.key(x.id),
			Size: x.all, IndexPosition: x.out.size, IndexLength: x.len, Shares: x.out.shares,
		}},
	}
	res, err := w.propose(ctx, c)
	if err != nil {
		w.stats.refused.Add(1)
		if errors.Is(err, meta.ErrObjectNotPrepared) {
			w.discard(ctx, x.id)
		}
		return fmt.Errorf("commit a compaction of %d objects into object %d: %w", len(c.Sources), x.id, err)
	}
	w.stats.objectsIn.Add(int64(len(res.DestroyedObjects)))
	w.stats.objectsOut.Add(1)
	return nil
}

// discard deletes what was put under an id that expired: the cleaner may have
// been there before the put was, and will not come again.
func (w *work) discard(ctx context.Context, id int64) {
	if o, ok := w.cfg.Meta.Object(id); ok && o.State == meta.Committed {
		return
	}
	if err := w.cfg.Store.Delete(ctx, w.key(id)); err != nil {
		w.cfg.Logger.Warn("an expired object stays in the store", "key", w.key(id), "error", err)
	}
}

// propose repeats a command whose outcome is open: repeated it succeeds. A
// refusal is one, and so is the end of patience: the id expires then.
func (w *work) propose(ctx context.Context, c meta.Command) (res meta.Result, err error) {
	for wait := 100 * time.Millisecond; wait < 10*time.Second; wait *= 2 {
		if res, err = w.cfg.Meta.Propose(ctx, c); err == nil || refused(err) {
			return res, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return res, err
		}
	}
	return res, err
}

// refused: the metadata said no, for good.
func refused(err error) bool {
	e, ok := errors.AsType[*meta.Error](err)
	return ok && e != meta.ErrNotLeader && e != meta.ErrClosed
}
