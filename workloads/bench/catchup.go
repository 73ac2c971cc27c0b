package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

func init() { happenings["catch-up"] = func(t *trial) happening { return &catchUp{t: t} } }

// catchUp lets fresh readers read everything from offset 0 up to the ends at
// its beginning, while producers and tailing consumers go on.
type catchUp struct {
	t       *trial
	name    string
	ends    []int64
	cold    *session.ColdReads // nil: the target cannot tell where its records lie
	before  float64            // records from objects so far
	readers *load.Readers
}

// What was written before has to be read at the rate of producing at least, or
// the lag grows for ever.
func (*catchUp) kind() session.Kind { return session.Rated }

func (*catchUp) able() error { return nil }

func (c *catchUp) begin(ctx context.Context, name string) (err error) {
	c.name = name
	if c.ends, err = c.t.load.Ends(ctx); err != nil {
		return err
	}
	if err := c.forget(ctx); err != nil {
		return err
	}
	c.readers, err = c.t.load.StartReplay(max(1, c.t.load.Config().Consumers), "")
	return err
}

// forget leaves nothing of what is read in memory that is meant for the tail,
// and with coldCaches in the page cache.
func (c *catchUp) forget(ctx context.Context) error {
	cold, ok := c.t.target.(target.Cold)
	if !ok {
		c.t.session.Warn("what the target keeps in its own caches is not known", "")
		return nil
	}
	if err := cold.Forget(ctx); err != nil {
		return err
	}
	if c.t.cfg.Workload.ColdCaches {
		if err := dropPageCache(c.t.data); err != nil {
			c.t.session.Warn("the page cache was not dropped: "+err.Error(), "compare with another warm row only")
		}
	}
	before, counted := c.t.session.Sample(ctx)[session.RecordsFromObjects]
	if !counted {
		return c.t.tierShare(ctx, c.name, c.ends)
	}
	tiered, ok := c.t.target.(target.Tiered)
	if !ok {
		return nil
	}
	committed, err := tiered.Committed(ctx, c.t.load.Config().Topic)
	if err != nil {
		return err
	}
	c.cold = &session.ColdReads{Committed: committed}
	c.before = before
	return nil
}

// wait ends with the catch-up. One that is not through in its time is no fault:
// its rate says what can be said.
func (c *catchUp) wait(ctx context.Context) error {
	err := c.readers.Await(ctx, c.ends)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.t.session.Warn(c.name+" was not through when its time was over: "+err.Error(), "give it a longer time, or less to read")
	case err != nil:
		c.t.session.Fault(c.name+" failed: "+err.Error(), "see broker.log")
	}
	return nil
}

func (c *catchUp) end(ctx context.Context) error {
	records, bytes, took := c.readers.Progress()
	if c.cold != nil {
		c.cold.Read = records
		c.cold.Fetched = int64(c.t.session.Sample(ctx)[session.RecordsFromObjects] - c.before)
		c.cold.Judge(c.name, c.t.session)
	}
	c.readers.Stop()
	c.t.session.Figure(c.name+" read", float64(bytes)/(1<<20), "MiB")
	if took > 0 {
		c.t.session.Figure(c.name+" rate", float64(bytes)/(1<<20)/took.Seconds(), "MiB/s from the first record to the last")
		c.t.session.Figure(c.name+" time", took.Round(time.Millisecond).Seconds(), "s from the first record to the last")
	}
	if v := c.readers.Observed(); !v.OK() {
		c.t.session.Fault(fmt.Sprintf("%s saw %d lost, %d duplicated, %d reordered, %d corrupt, %d foreign records: %v",
			c.name, v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Foreign, v.Samples), "this is a fault of the target")
	}
	return nil
}
