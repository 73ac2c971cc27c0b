package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
)

func init() {
	happenings["kill9"] = func(t *trial, _ workloads.Phase) happening { return &kill9{t: t} }
}

// recoverTimeout is how long producers may take to be level with their schedule
// after an outage.
const recoverTimeout = time.Minute

// kill9 ends the target with SIGKILL and starts it again on the same data. The
// phase lasts until producers are level with their schedule again, so that what
// follows it is steady.
type kill9 struct {
	t      *trial
	name   string
	killed time.Time
	acked  int64 // records, when it was killed
}

// While the target is down nothing can be acknowledged.
func (*kill9) kind() session.Kind { return session.Unrated }

func (k *kill9) able() error {
	if k.t.cfg.Target.Address != "" {
		return errors.New("the target was not started here, so it cannot be killed")
	}
	return nil
}

func (k *kill9) begin(ctx context.Context, name string) error {
	k.name, k.killed = name, time.Now()
	if err := k.t.target.Kill(); err != nil {
		return err
	}
	k.acked = k.t.load.Counters.Acked.Load()
	if err := k.t.target.Restart(ctx); err != nil {
		return err
	}
	k.t.session.Figure(name+" until ready", time.Since(k.killed).Seconds(), "s after the SIGKILL")
	if k.t.soon(ctx, func() bool { return k.t.load.Counters.Acked.Load() > k.acked }) {
		k.t.session.Figure(name+" outage", time.Since(k.killed).Seconds(), "s from the SIGKILL to the next acknowledgement")
		return nil
	}
	k.t.session.Fault(fmt.Sprintf("nothing was acknowledged within %v after the restart", recoverTimeout), "see broker.log")
	return ctx.Err()
}

func (k *kill9) wait(ctx context.Context) error {
	select {
	case <-k.t.target.Ended():
		return fmt.Errorf("the target ended by itself: %s", k.t.target.LastWords())
	case <-ctx.Done():
		return nil
	}
}

// end waits for the sends that were due while the target was down.
func (k *kill9) end(ctx context.Context) error { return k.t.level(ctx, k.name) }

// soon polls until something is so, and says whether it came to be: a hook in
// the acknowledgement's path would cost every record for the sake of one.
func (t *trial) soon(ctx context.Context, so func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, recoverTimeout)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
