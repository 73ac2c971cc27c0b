package upload

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// upload is one block on its way.
type upload struct {
	job     Job
	layouts []layout   // the stream-set object first, when there is one
	until   int64      // ms: when the prepared ids may expire
	firstID int64      // ids are firstID … firstID+len(layouts)−1
	put     chan error // capacity 1: the result of putting all layouts
	span    int64      // number in the history; 0 before the first put
	size    int64      // bytes of all objects together
}

// layout is one object of an upload.
type layout struct {
	object.Layout
	kind    meta.ObjectKind
	streams []meta.StreamCommit
}

// streamState follows one stream at the end of what was prepared.
type streamState struct {
	state State
	end   int64
}

// prepareAll turns queued blocks into uploads, in order.
func (u *Uploader) prepareAll(ctx context.Context, out chan<- *upload) error {
	for {
		j, ok := u.next(ctx)
		if !ok {
			return nil
		}
		up, err := u.prepare(ctx, j)
		if err != nil {
			return fmt.Errorf("upload: prepare: %w", err)
		}
		u.pending.Add(1)
		u.startPut(ctx, up)
		select {
		case out <- up:
		case <-ctx.Done():
			u.awaitPut(up)
			return nil
		}
	}
}

// prepare lays the block's objects out, folds the partition states and takes
// ids. Streams that no longer exist are left out.
func (u *Uploader) prepare(ctx context.Context, j Job) (*upload, error) {
	up := &upload{job: j}
	maps.DeleteFunc(u.states, func(id int64, _ *streamState) bool {
		_, known := u.cfg.Meta.Stream(id)
		return !known
	})
	var set, own []meta.StreamCommit
	for _, id := range j.Block.Streams() {
		commit, ok, err := u.fold(j, id)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if j.Block.PayloadBytes(id) < u.cfg.Split {
			set = append(set, commit)
		} else {
			own = append(own, commit)
		}
	}
	set, own = u.economise(j.Block, set, own)
	for len(set) > 0 {
		n := fitting(set, func(c meta.StreamCommit) int { return len(c.State) })
		if err := u.lay(up, meta.KindStreamSet, set[:n]...); err != nil {
			return nil, err
		}
		set = set[n:]
	}
	for _, c := range own {
		if err := u.lay(up, meta.KindStream, c); err != nil {
			return nil, err
		}
	}
	return up, u.takeIDs(ctx, up)
}

// economise moves the smallest of the streams that get an object of their own
// to the stream-set object, when that one would be smaller than they are and
// all together would be more than one object in twice the split. Four busy
// partitions beside a few committed offsets then still make four objects of a
// full block, not five: requests are what an object store is paid for. In any
// other case the rule of formats.md holds as it is.
func (u *Uploader) economise(b *logcache.Block, set, own []meta.StreamCommit) (s, o []meta.StreamCommit) {
	allowed := b.Payload() / (2 * u.cfg.Split)
	if allowed < 2 || len(set) == 0 || int64(len(own))+1 <= allowed {
		return set, own
	}
	var rest int64
	for _, c := range set {
		rest += b.PayloadBytes(c.StreamID)
	}
	if rest >= u.cfg.Split {
		return set, own
	}
	size := func(a, c meta.StreamCommit) int {
		return cmp.Compare(b.PayloadBytes(a.StreamID), b.PayloadBytes(c.StreamID))
	}
	least := slices.MinFunc(own, size)
	own = slices.DeleteFunc(own, func(c meta.StreamCommit) bool { return c.StreamID == least.StreamID })
	i, _ := slices.BinarySearchFunc(set, least.StreamID, func(c meta.StreamCommit, id int64) int { return cmp.Compare(c.StreamID, id) })
	return slices.Insert(set, i, least), own
}

// maxState is how many bytes of partition-state records go into one command, if
// one stream's alone are not more. The metadata's log takes commands of 64 MiB.
const maxState = 8 << 20

// fitting is how many of the first elements stay within maxState; at least one.
func fitting[T any](s []T, size func(T) int) int {
	total := 0
	for i, x := range s {
		if total += size(x); total > maxState && i > 0 {
			return i
		}
	}
	return len(s)
}

// fold advances the stream's state over its batches in the block. ok is false
// for a stream that was deleted.
func (u *Uploader) fold(j Job, id int64) (c meta.StreamCommit, ok bool, err error) {
	st, known := u.cfg.Meta.Stream(id)
	if !known {
		return c, false, nil
	}
	s := u.states[id]
	if s == nil {
		if s, err = u.load(st); err != nil {
			return c, false, err
		}
		u.states[id] = s
	}
	c = meta.StreamCommit{StreamID: id, Epoch: st.Epoch, Start: s.end}
	err = j.Block.Batches(id, func(encoded []byte) error {
		b, _, err := object.DecodeBatch(encoded)
		if err != nil {
			return err
		}
		if b.BaseOffset < s.end {
			panic(fmt.Sprintf("upload: stream %d: batch at %d before the prepared end %d", id, b.BaseOffset, s.end))
		}
		s.end = b.EndOffset()
		return s.state.Apply(b)
	})
	if err != nil {
		return c, false, fmt.Errorf("stream %d: partition state: %w", id, err)
	}
	c.End, c.MaxTimestamp, c.State = s.end, s.state.MaxTimestamp(), s.state.Encode()
	c.Bytes = j.Block.PayloadBytes(id)
	return c, true, nil
}

// load starts a stream's state at its committed end: the first block that
// holds it since this uploader was made.
func (u *Uploader) load(st meta.Stream) (*streamState, error) {
	state, err := u.cfg.Folder.Load(st.ID, st.State)
	if err != nil {
		return nil, fmt.Errorf("stream %d: partition state at offset %d: %w", st.ID, st.End, err)
	}
	return &streamState{state: state, end: st.End}, nil
}

// lay adds one object with the batches of the streams, which ascend.
func (u *Uploader) lay(up *upload, kind meta.ObjectKind, streams ...meta.StreamCommit) error {
	w := object.NewWriter(u.cfg.BlockSize)
	for _, s := range streams {
		if err := up.job.Block.Batches(s.StreamID, w.Add); err != nil {
			return err
		}
	}
	l, err := w.Finish()
	if err != nil {
		return err
	}
	up.layouts = append(up.layouts, layout{Layout: l, kind: kind, streams: streams})
	up.size += l.Size
	return nil
}

// takeIDs prepares one object id for each layout.
func (u *Uploader) takeIDs(ctx context.Context, up *upload) error {
	if len(up.layouts) == 0 {
		return nil
	}
	up.until = u.cfg.Clock().Add(u.cfg.PreparedFor).UnixMilli()
	return u.retry(ctx, "prepare objects", func() error {
		res, err := u.cfg.Meta.Propose(ctx, meta.PrepareObjects{
			NodeID: u.cfg.NodeID, NodeEpoch: u.cfg.NodeEpoch, Count: int32(len(up.layouts)), Until: up.until,
		})
		up.firstID = res.FirstObjectID
		return err
	})
}

func (u *Uploader) key(up *upload, i int) string {
	return object.Key(u.cfg.Namespace, up.firstID+int64(i))
}

// awaitPut waits for puts that nobody will commit: their pieces lie in the
// cache, which nobody may read after Run. The block is uploaded again after a
// restart, whatever became of them.
func (u *Uploader) awaitPut(up *upload) {
	if err := <-up.put; err != nil {
		u.cfg.Logger.Debug("upload: given up", "error", err)
	}
}

// startPut puts all objects of the upload in a goroutine of its own, and sends
// the outcome to up.put. It waits here until fewer than Parallel are at it, so
// that blocks are put in order and the oldest is never behind a newer one.
func (u *Uploader) startPut(ctx context.Context, up *upload) {
	up.put = make(chan error, 1)
	select {
	case u.puts <- struct{}{}:
	case <-ctx.Done():
		up.put <- context.Cause(ctx)
		return
	}
	if up.span == 0 && len(up.layouts) > 0 {
		up.span = u.history.Begin(u.cfg.Clock())
	}
	go func() {
		defer func() { <-u.puts }()
		up.put <- u.putAll(objstore.WithClass(ctx, objstore.ClassUpload), up)
	}()
}

// putAll puts the objects one after the other. What has to be repeated has lost
// time already and goes without pacing.
func (u *Uploader) putAll(ctx context.Context, up *upload) error {
	pace := u.newPacer(up)
	for i := range up.layouts {
		key := u.key(up, i)
		err := u.retry(ctx, "put "+key, func() error {
			actx, cancel := context.WithTimeout(ctx, u.cfg.PutTimeout)
			defer cancel()
			if pace != nil {
				actx = objstore.WithPacer(actx, pace.wait)
			}
			err := u.cfg.Store.Put(actx, key, objstore.Body(up.layouts[i].Body))
			if err != nil {
				pace = nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
