package bench

import (
	"context"
	"errors"
	"time"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

func init() {
	happenings["compact"] = func(t *trial, _ workloads.Phase) happening { return &compaction{t: t} }
}

// compaction merges whatever is small, now.
type compaction struct {
	t      *trial
	name   string
	begun  time.Time
	cancel context.CancelFunc
	done   chan error // capacity 1
	merged target.Compacted
}

func (*compaction) kind() session.Kind { return session.Rated }

func (c *compaction) able() error {
	if _, ok := c.t.target.(target.Compactor); !ok {
		return errors.New("the target does not compact on request")
	}
	return nil
}

func (c *compaction) begin(ctx context.Context, name string) error {
	c.name, c.begun, c.done = name, time.Now(), make(chan error, 1)
	ctx, c.cancel = context.WithCancel(ctx)
	go func() {
		var err error
		c.merged, err = c.t.target.(target.Compactor).Compact(ctx)
		c.done <- err
	}()
	return nil
}

func (c *compaction) wait(ctx context.Context) error {
	select {
	case err := <-c.done:
		c.done <- err // for end
	case <-ctx.Done():
		c.t.session.Warn(c.name+" was not through when its time was over, and was ended", "give it a longer time, or less to merge")
	}
	return nil
}

func (c *compaction) end(context.Context) error {
	c.cancel()
	if err := <-c.done; err != nil && !errors.Is(err, context.Canceled) {
		c.t.session.Fault(c.name+" failed: "+err.Error(), "see broker.log")
		return nil
	}
	c.t.session.Figure(c.name+" time", time.Since(c.begun).Seconds(), "s")
	c.t.session.Figure(c.name+" objects merged", float64(c.merged.ObjectsIn), "objects")
	c.t.session.Figure(c.name+" written", float64(c.merged.BytesWritten)/(1<<20), "MiB")
	return nil
}
