package upload

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
)

// pieces is a store that moves objects in pieces of 4 KiB, as the real ones do
// in larger ones, and notes when each one went.
type pieces struct {
	objstore.Store
	begin time.Time
	went  []time.Duration
	class objstore.Class
}

func (p *pieces) Put(ctx context.Context, key string, body objstore.Body) error {
	p.class = objstore.ClassOf(ctx)
	for n := body.Size(); n > 0; n -= 4 << 10 {
		if err := objstore.Pace(ctx, int(min(n, 4<<10))); err != nil {
			return err
		}
		p.went = append(p.went, time.Since(p.begin))
	}
	return p.Store.Put(context.WithoutCancel(ctx), key, body)
}

// paced runs one upload of about 200 KiB in virtual time and returns when its
// pieces went.
func paced(t *testing.T, filled time.Duration, tune func(*rig)) (went []time.Duration, stats Stats) {
	synctest.Test(t, func(t *testing.T) {
		st := &pieces{}
		r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = unpaced{s}; return st })
		r.cfg.LeastRate = 1 // small blocks are spread over seconds
		if tune != nil {
			tune(r)
		}
		r.start()
		st.begin = time.Now()
		r.Enqueue(Job{Block: r.block(100, 100), Filled: filled})
		<-r.committed
		went, stats = st.went, r.Stats()
		require.Equal(t, objstore.ClassUpload, st.class)
	})
	return went, stats
}

// unpaced hides the pacer from the store behind.
type unpaced struct{ objstore.Store }

func (u unpaced) Put(ctx context.Context, key string, body objstore.Body) error {
	none := objstore.WithPacer(ctx, func(context.Context, int) error { return nil })
	return u.Store.Put(none, key, body)
}

func TestUploadIsSpreadOverTheNextFill(t *testing.T) {
	went, stats := paced(t, 8*time.Second, nil)
	require.Greater(t, len(went), 50)
	require.Less(t, went[0], time.Millisecond, "it begins at once")
	last := went[len(went)-1]
	require.InDelta(t, 6, last.Seconds(), 0.3, "three quarters of the time to fill")
	for i := range went[1:] {
		require.InDelta(t, last.Seconds()/float64(len(went)), (went[i+1] - went[i]).Seconds(), 0.1, "evenly")
	}
	require.Zero(t, stats.Hurried)
	require.InDelta(t, last.Seconds(), stats.Paced.Seconds(), 0.3)
}

func TestUploadThatHurries(t *testing.T) {
	went, stats := paced(t, time.Hour, func(r *rig) { r.cfg.Urgent = func() bool { return true } })
	require.Zero(t, went[len(went)-1], "producers are about to wait")
	require.Greater(t, stats.Hurried, int64(200_000))
	went, _ = paced(t, 0, nil)
	require.Zero(t, went[len(went)-1], "nothing is known of the next block")
}

// TestDrainHurries: whoever waits for all that is on its way, a stop or a trim,
// does not wait for its pace.
func TestDrainHurries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &pieces{}
		r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = unpaced{s}; return st })
		r.cfg.LeastRate = 1 // small blocks are spread over seconds
		r.start()
		st.begin = time.Now()
		r.Enqueue(Job{Block: r.block(100, 100), Filled: 80 * time.Second})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		begun := len(st.went)
		require.NoError(t, r.Drain(ctx))
		require.Less(t, begun, len(st.went)/2, "it was being spread over a minute")
		require.Less(t, time.Since(st.begin), 10*time.Second+2*paceLook, "and then went at once")
	})
}

// TestABacklogGoesFaster: with two more blocks waiting the pace is three times
// that of one.
func TestABacklogGoesFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &pieces{}
		r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = unpaced{s}; return st })
		r.cfg.LeastRate = 1 // small blocks are spread over seconds
		r.puts = make(chan struct{}, 1)
		st.begin = time.Now()
		for range 3 {
			r.Enqueue(Job{Block: r.block(50, 50), Filled: 8 * time.Second})
		}
		r.start()
		<-r.committed
		require.InDelta(t, 2, time.Since(st.begin).Seconds(), 0.2)
		<-r.committed
		require.InDelta(t, 2+3, time.Since(st.begin).Seconds(), 0.4)
		<-r.committed
		require.InDelta(t, 2+3+6, time.Since(st.begin).Seconds(), 0.5)
	})
}
