package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
)

// commitAll commits uploads in the order in which they were prepared.
func (u *Uploader) commitAll(ctx context.Context, in <-chan *upload) error {
	for up := range in {
		if err := u.finish(ctx, up); err != nil {
			return err
		}
		u.history.End(up.span, u.cfg.Clock(), up.size)
		u.pending.Add(-1)
		if u.cfg.Committed != nil {
			u.cfg.Committed(up.job)
		}
		u.mu.Lock()
		u.left--
		u.committed++
		u.cond.Broadcast()
		u.mu.Unlock()
	}
	return nil
}

// finish waits for the puts and commits. An id that expired meanwhile is
// replaced and its object put again (rule 8): the refused id stays refused.
func (u *Uploader) finish(ctx context.Context, up *upload) error {
	for {
		if err := <-up.put; err != nil {
			return fmt.Errorf("upload: put: %w", err)
		}
		err := u.commit(ctx, up)
		if !errors.Is(err, meta.ErrObjectNotPrepared) {
			return err
		}
		u.cfg.Logger.Warn("a prepared object expired before its commit; uploading it again", "object", up.firstID)
		u.discard(ctx, up)
		if err := u.takeIDs(ctx, up); err != nil {
			return err
		}
		u.startPut(ctx, up)
	}
}

// commit commits the objects in order, in as few commands as their states
// allow. What is committed leaves the upload.
func (u *Uploader) commit(ctx context.Context, up *upload) error {
	for len(up.layouts) > 0 {
		n := fitting(up.layouts, layout.stateBytes)
		// A command has one object of many streams, as its first.
		if i := slices.IndexFunc(up.layouts[1:n], layout.ofMany); i >= 0 {
			n = 1 + i
		}
		err := u.retry(ctx, "commit objects", func() error {
			_, err := u.cfg.Meta.Propose(ctx, u.command(up, n))
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range up.layouts[:n] {
			u.objects.Add(1)
			u.bytes.Add(l.Size)
		}
		up.layouts, up.firstID = up.layouts[n:], up.firstID+int64(n)
	}
	return nil
}

func (l layout) ofMany() bool { return l.kind == meta.KindStreamSet }

func (l layout) stateBytes() int {
	n := 0
	for _, c := range l.streams {
		n += len(c.State)
	}
	return n
}

// discard deletes what was put under ids that expired: the cleaner may have
// been there before the put was, and will not come again.
func (u *Uploader) discard(ctx context.Context, up *upload) {
	for i := range up.layouts {
		if err := u.cfg.Store.Delete(ctx, u.key(up, i)); err != nil {
			u.cfg.Logger.Warn("an expired object stays in the store", "key", u.key(up, i), "error", err)
		}
	}
}

// command is the commit of the upload's first n objects at once.
func (u *Uploader) command(up *upload, n int) meta.Command {
	main := up.layouts[0]
	c := meta.CommitObject{
		NodeID: u.cfg.NodeID, NodeEpoch: u.cfg.NodeEpoch,
		ObjectID: up.firstID, Kind: main.kind, Key: u.key(up, 0),
		Size: main.Size, IndexPosition: main.IndexPosition, IndexLength: main.IndexLength, Streams: main.streams,
	}
	for i, l := range up.layouts[1:n] {
		c.StreamObjects = append(c.StreamObjects, meta.StreamObject{
			ObjectID: up.firstID + 1 + int64(i), Key: u.key(up, 1+i),
			Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength, Stream: l.streams[0],
		})
	}
	return c
}

// refused reports whether the answer is no for good. A leader that is being
// elected, or an unreachable one, is not that. A key that holds other bytes is:
// ids are never used twice, so the store has the objects of other metadata.
func refused(err error) bool {
	var e *meta.Error
	return errors.Is(err, objstore.ErrExists) || errors.As(err, &e) && e != meta.ErrNotLeader && e != meta.ErrClosed
}

// retry repeats do with growing waits until it succeeds, ctx ends, or the
// error is one that repeating cannot cure: the metadata's own refusals.
func (u *Uploader) retry(ctx context.Context, what string, do func() error) error {
	for wait := u.cfg.RetryMin; ; wait = min(2*wait, u.cfg.RetryMax) {
		err := do()
		if err == nil || ctx.Err() != nil || refused(err) {
			return err
		}
		u.retries.Add(1)
		u.cfg.Logger.Warn("upload: will try again", "what", what, "in", wait, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
