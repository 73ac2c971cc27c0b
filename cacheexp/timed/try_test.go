package timed_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/gen"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/internal/storetime"
)

func TestTry(t *testing.T) {
	spec := "log?duration=60s"
	open := func() *gen.Generator {
		g, err := gen.New(spec)
		require.NoError(t, err)
		return g
	}
	began := time.Now()
	c, err := timed.NewCatalog(open())
	require.NoError(t, err)
	fmt.Println("catalog", time.Since(began), c.Blocks(), c.Bytes()>>20)
	for _, model := range storetime.Names() {
		s, err := storetime.Preset(model)
		require.NoError(t, err)
		for _, p := range []string{"none", "fixed:1", "fixed:4", "automq", "linux", "chunk:1MiB", "chunk:4MiB", "chunk:16MiB", "rate"} {
			began = time.Now()
			r, err := timed.Run(c, open(), timed.Config{Policy: "lru", Prefetch: p, Capacity: c.Bytes() / 10, Service: s, Seed: 1})
			require.NoError(t, err)
			fmt.Printf("%s %-11s %5.3fs miss %.4f req %d alone %d misses %d gone %.4f fetched %d MiB served %d %+v dropped %d wasted %d stalled %v took %v\n", model, p, time.Since(began).Seconds(), r.MissRatio(), r.Requests, r.MissesAlone, r.Misses, 1-float64(r.Misses)/float64(max(1,r.MissesAlone)), r.Fetched>>20, r.Bytes>>20, r.Figures(), r.Dropped, r.Wasted, r.Stalled, r.Took)
		}
	}
}
