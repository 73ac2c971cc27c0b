package blockcache_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// starving serves no prefetch until it is a demand read.
type starving struct{ objstore.Store }

func (s starving) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	if objstore.ClassOf(ctx) == objstore.ClassPrefetch {
		select {
		case <-objstore.RisingOf(ctx):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if objstore.ClassOf(ctx) != objstore.ClassDemand {
		return objstore.ErrThrottled
	}
	return s.Store.GetRange(ctx, key, pos, p)
}

// TestAReaderOvertakesItsPrefetch: a block that is on its way is as urgent as
// one that is not, once somebody waits for it; and so are those that come with
// it.
func TestAReaderOvertakesItsPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 3, 400)
		c, err := blockcache.New(blockcache.Config{Store: starving{w.store}, Size: 1 << 20, Verify: func(object.RecordBatch) error { return nil }})
		require.NoError(t, err)
		defer c.Close()
		c.Prefetch(w.objects[0].ref, w.objects[0].index...)
		synctest.Wait()
		before := w.gets()
		w.read(t, c, 0, 1)
		w.read(t, c, 0, 0)
		w.read(t, c, 0, 2)
		require.Equal(t, before+1, w.gets())
		require.EqualValues(t, 1, c.Stats().PrefetchLate)
	})
}
