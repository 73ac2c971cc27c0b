package demo

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// Shares of Duration, in percent.
const (
	warmUpShare = 10
	tailShare   = 30
	catchShare  = 30
	killShare   = 30
	killDelay   = 5 // of Duration, from the start of the phase to the SIGKILL
)

func (d *demo) share(percent int) time.Duration {
	return d.cfg.Duration * time.Duration(percent) / 100
}

// phases runs the load from its first send to the last record verified.
func (d *demo) phases(ctx context.Context) error {
	tail, err := d.load.StartTail()
	if err != nil {
		return err
	}
	defer tail.Stop()
	producers, err := d.load.StartProducers(ctx, d.cfg.Duration+overtime)
	if err != nil {
		return err
	}
	defer func() { // after an error: nothing may run on
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = producers.Wait(gone)
	}()
	d.session.Producing(producers)

	for _, p := range []struct {
		name  string
		share int
		kind  session.Kind
		do    func(context.Context) error
	}{
		{"warm-up", warmUpShare, session.Unrated, nil},
		{"tail", tailShare, session.Window, nil},
		{"catch-up", catchShare, session.Rated, d.catchUp},
		{"kill", killShare, session.Unrated, d.kill},
	} {
		d.cfg.Progress.Step(p.name, d.share(p.share))
		d.session.Begin(p.name, p.kind)
		end := time.Now().Add(d.share(p.share)) // or when its work is done, if that takes longer
		if p.do != nil {
			if err := p.do(ctx); err != nil {
				return fmt.Errorf("phase %s: %w", p.name, err)
			}
		}
		if err := d.until(ctx, end); err != nil {
			return fmt.Errorf("phase %s: %w", p.name, err)
		}
	}
	producers.Finish()
	return d.finish(ctx, producers, tail)
}

// until waits for a moment, and for nothing else but a broker that dies.
func (d *demo) until(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.broker.Ended():
		return fmt.Errorf("the broker ended by itself: %s", d.broker.LastWords())
	}
}

// catchUp reads everything from offset 0 with a group of its own.
func (d *demo) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	ends, err := d.load.Ends(ctx)
	if err != nil {
		return err
	}
	if _, err := target.DropLogCache(ctx, d.broker.Admin()); err != nil {
		return err
	}
	streams, err := target.Streams(ctx, d.broker.Admin())
	if err != nil {
		return err
	}
	before := d.session.Sample(ctx)
	got, err := d.replay(ctx, ends)
	if err != nil {
		return err
	}
	if !got.Through {
		d.session.Fault("the catch-up did not reach its end: "+cmp.Or(got.Error, fmt.Sprintf("no record came for %v, or it took %v", stallTimeout, catchUpTimeout)), "the machine is too busy, or the broker stalls: see broker.log")
		return nil
	}
	cold := session.ColdReads{
		Committed: target.Committed(streams, d.load.Config().Topic), Read: got.Seen.Records,
		Fetched: int64(d.session.Sample(ctx)[session.RecordsFromObjects] - before[session.RecordsFromObjects]),
	}
	cold.Judge("catch-up", d.session)
	got.Quote("catch-up", d.session)
	d.session.Figure("catch-up records", float64(got.Seen.Records), "records")
	if v := d.load.Observed(got.Reading); !v.OK() {
		d.session.Fault(fmt.Sprintf("the catch-up saw %d lost, %d duplicated, %d reordered, %d corrupt, %d foreign records: %v",
			v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Foreign, v.Samples), "this is a fault of the broker")
	}
	return nil
}

// replay reads up to the ends, in a process of its own, or until ctx ends or
// nothing comes any more. That process has the lowest priority: on a busy
// machine it is slow, which is no stall.
func (d *demo) replay(ctx context.Context, ends []int64) (replay.Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stalled := time.AfterFunc(stallTimeout, cancel)
	defer stalled.Stop()
	p, err := replay.Start(d.cfg.Binary, replay.Spec{Load: d.load.Config(), Consumers: 1, Group: "demo-catch-up", Ends: ends},
		func(records, bytes int64) {
			d.load.Counters.CaughtUp.Add(records)
			d.load.Counters.CaughtB.Add(bytes)
			if records > 0 {
				stalled.Reset(stallTimeout)
			}
		})
	if err != nil {
		return replay.Outcome{}, err
	}
	_ = p.Wait(ctx) // Stop says how far it came
	return p.Stop()
}

// kill ends the broker under load and starts it again.
func (d *demo) kill(ctx context.Context) error {
	if err := d.until(ctx, time.Now().Add(d.share(killDelay))); err != nil {
		return err
	}
	killed := time.Now()
	if err := d.broker.Kill(); err != nil {
		return err
	}
	acked := d.load.Counters.Acked.Load()
	if err := d.broker.Restart(ctx); err != nil {
		return err
	}
	d.session.Figure("restart until ready", time.Since(killed).Seconds(), "s after the SIGKILL")
	if err := d.awaitAck(ctx, acked); err != nil {
		return err
	}
	d.session.Figure("outage seen by producers", time.Since(killed).Seconds(), "s from the SIGKILL to the next acknowledgement")
	return nil
}

// awaitAck polls, because a hook in the acknowledgement's path would cost
// every record of the run for the sake of one.
func (d *demo) awaitAck(ctx context.Context, acked int64) error {
	limit := time.Now().Add(drainTimeout)
	for d.load.Counters.Acked.Load() == acked {
		if time.Now().After(limit) {
			d.session.Fault(fmt.Sprintf("nothing was acknowledged within %v after the restart", drainTimeout), "see broker.log")
			return nil
		}
		if err := d.until(ctx, time.Now().Add(2*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// finish waits for the last acknowledgements and verifies every record.
func (d *demo) finish(ctx context.Context, producers *load.Producers, tail *load.Readers) error {
	d.cfg.Progress.Step("waiting for the last acknowledgements", 0)
	drain, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := producers.Wait(drain); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.session.Fault("not every send was acknowledged in the end: "+err.Error(), "the broker did not recover in time: see broker.log")
	}
	d.session.End()

	d.cfg.Progress.Step("verifying every record", 0)
	ctx, cancel = context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	ends, err := d.load.Ends(ctx)
	if err != nil {
		return err
	}
	d.verifyTail(ctx, tail, ends)
	return d.verifyAll(ctx, ends)
}

// verifyTail holds the tailing group to the same as the log itself.
func (d *demo) verifyTail(ctx context.Context, tail *load.Readers, ends []int64) {
	if err := tail.Await(ctx, ends); err != nil {
		d.session.Fault("the tailing consumer did not reach the end: "+err.Error(), "see broker.log")
		return
	}
	tail.Stop()
	if v := tail.Verify(); !v.OK() {
		d.session.Fault(fmt.Sprintf("the tailing consumer saw %d lost, %d duplicated, %d reordered, %d corrupt records: %v",
			v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Samples), "this is a fault of the broker")
	}
}

func (d *demo) verifyAll(ctx context.Context, ends []int64) error {
	readers, err := d.load.StartReplay(1, "")
	if err != nil {
		return err
	}
	err = readers.Await(ctx, ends)
	readers.Stop()
	if err != nil {
		d.session.Fault("reading everything back did not reach the end: "+err.Error(), "see broker.log")
		return nil //nolint:nilerr // a fault of the trial, not of the demo: the verdict says so
	}
	d.session.Verified(readers.Verify())
	return nil
}
