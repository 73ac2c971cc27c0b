package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/broker/meta"
)

// commitAll commits uploads in the order in which they were prepared.
func (u *Uploader) commitAll(ctx context.Context, in <-chan *upload) error {
	// Whatever ends this, the puts that are still in flight read the cache:
	// wait for them before Run returns.
	defer func() {
		for up := range in {
			_ = <-up.put // whatever it says, the block is uploaded again after a restart
		}
	}()
	for up := range in {
		if err := u.finish(ctx, up); err != nil {
			return err
		}
		u.pending.Add(-1)
		if u.cfg.Committed != nil {
			u.cfg.Committed(up.job)
		}
		u.mu.Lock()
		u.left--
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
		if len(up.layouts) == 0 {
			return nil
		}
		err := u.retry(ctx, "commit objects", func() error {
			_, err := u.cfg.Meta.Propose(ctx, u.command(up))
			return err
		})
		if !errors.Is(err, meta.ErrObjectNotPrepared) {
			u.count(up, err)
			return err
		}
		u.cfg.Logger.Warn("a prepared object expired before its commit; uploading it again", "object", up.firstID)
		if err := u.takeIDs(ctx, up); err != nil {
			return err
		}
		u.startPut(ctx, up)
	}
}

func (u *Uploader) count(up *upload, err error) {
	if err != nil {
		return
	}
	u.objects.Add(int64(len(up.layouts)))
	for i := range up.layouts {
		u.bytes.Add(up.layouts[i].Size)
	}
}

// command is the commit of everything in the upload at once.
func (u *Uploader) command(up *upload) meta.Command {
	main := up.layouts[0]
	c := meta.CommitObject{
		NodeID: u.cfg.NodeID, NodeEpoch: u.cfg.NodeEpoch,
		ObjectID: up.firstID, Kind: main.kind, Key: u.key(up, 0),
		Size: main.Size, IndexPosition: main.IndexPosition, IndexLength: main.IndexLength, Streams: main.streams,
	}
	for i, l := range up.layouts[1:] {
		c.StreamObjects = append(c.StreamObjects, meta.StreamObject{
			ObjectID: up.firstID + 1 + int64(i), Key: u.key(up, 1+i),
			Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength, Stream: l.streams[0],
		})
	}
	return c
}

// refused reports whether the metadata said no for good: a leader that is
// being elected, or an unreachable one, is not that.
func refused(err error) bool {
	var e *meta.Error
	return errors.As(err, &e) && e != meta.ErrNotLeader && e != meta.ErrClosed
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
