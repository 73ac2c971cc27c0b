package bench

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/replay"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

func init() {
	happenings["catch-up"] = func(t *trial, p workloads.Phase) happening {
		return &catchUp{t: t, rate: p.CatchUpRateMiB * (1 << 20)}
	}
}

// catchUp lets fresh readers read everything from offset 0 up to the ends at
// its beginning, while producers and tailing consumers go on.
type catchUp struct {
	t       *trial
	name    string
	ends    []int64
	cold    *session.ColdReads // nil: the target cannot tell where its records lie
	before  float64            // records from objects so far
	readers *replay.Process
	late    bool    // its time was over first
	rate    float64 // bytes a second that they are held to; 0: none
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
	l := c.t.load
	spec := replay.Spec{Load: l.Config(), Consumers: max(1, l.Config().Consumers), Ends: c.ends, BytesPerSecond: c.rate}
	if c.t.cfg.Driver != nil {
		spec.Driver = c.t.cfg.Driver.Source()
	}
	c.readers, err = replay.Start(c.t.cfg.Binary, spec, func(records, bytes int64) {
		l.Counters.CaughtUp.Add(records)
		l.Counters.CaughtB.Add(bytes)
	})
	return err
}

// forget notes where records lie once the caches hold none of them.
func (c *catchUp) forget(ctx context.Context) error {
	if err := c.t.forget(ctx); err != nil {
		return err
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

// wait ends with the catch-up.
func (c *catchUp) wait(ctx context.Context) error {
	c.late = c.readers.Wait(ctx) != nil
	return nil
}

func (c *catchUp) end(ctx context.Context) error {
	got, err := c.readers.Stop()
	if err != nil {
		return err
	}
	c.judgeEnd(got)
	if c.cold != nil {
		c.cold.Read = got.Seen.Records
		c.cold.Fetched = int64(c.t.session.Sample(ctx)[session.RecordsFromObjects] - c.before)
		c.cold.Judge(c.name, c.t.session)
	}
	got.Quote(c.name, c.t.session)
	if v := c.t.load.Observed(got.Reading); !v.OK() {
		c.t.session.Fault(fmt.Sprintf("%s saw %d lost, %d duplicated, %d reordered, %d corrupt, %d foreign records: %v",
			c.name, v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Foreign, v.Samples), "this is a fault of the target")
	}
	return nil
}

// judgeEnd says why it ended. One that is not through in its time is no fault:
// its rate says what can be said.
func (c *catchUp) judgeEnd(got replay.Outcome) {
	switch {
	case got.Through:
	case got.Error != "":
		c.t.session.Fault(c.name+" failed: "+got.Error, "see broker.log")
	case c.late:
		c.t.session.Warn(c.name+" was not through when its time was over", "give it a longer time, or less to read")
	default:
		c.t.session.Fault(c.name+" was ended by somebody else", "run it again")
	}
}
