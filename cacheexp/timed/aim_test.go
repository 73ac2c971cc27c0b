package timed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/gen"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/internal/storetime"
)

// logTrace has eight streams that are written, three groups that tail them and
// four catch-ups: 38,000 requests for 3.8 GiB of blocks.
const logTrace = "log?rate=32MiB/s&backlog=2GiB&streams=8&seed=1"

func made(t require.TestingT, spec string) *gen.Generator {
	g, err := gen.New(spec)
	require.NoError(t, err)
	return g
}

func catalog(t require.TestingT, spec string) *timed.Catalog {
	c, err := timed.NewCatalog(made(t, spec))
	require.NoError(t, err)
	return c
}

func preset(t require.TestingT, name string) storetime.Service {
	s, err := storetime.Preset(name)
	require.NoError(t, err)
	return s
}

// TestAim: on the log trace, with a cache of a tenth of the footprint, the best
// prefetcher takes away nine of ten demand misses that LRU alone has, and gets no
// more than 1.1 bytes for each byte it serves; nor than 1.1 bytes for each byte
// that LRU alone gets, which is the harder of the two, since several readers are
// served with one block. Behind both models of S3, so it is not the store's doing.
func TestAim(t *testing.T) {
	c := catalog(t, logTrace)
	for _, model := range storetime.Names() {
		run := func(p string) *timed.Result {
			r, err := timed.Run(c, made(t, logTrace), timed.Config{
				Policy: "lru", Prefetch: p, Capacity: c.Bytes() / 10, Service: preset(t, model), Seed: 1,
			})
			require.NoError(t, err)
			return r
		}
		alone := run("none")
		best, most := "", 0.0
		for _, p := range []string{"fixed:1", "fixed:4", "automq", "automq:2024", "linux", "chunk:1MiB", "chunk:4MiB", "chunk:16MiB", "rate"} {
			r := run(p)
			gone := 1 - float64(r.Misses)/float64(alone.Misses)
			lean := r.Figures().OverRead <= 1.1 && float64(r.Fetched) <= 1.1*float64(alone.Fetched)
			if lean && gone > most {
				best, most = p, gone
			}
			t.Logf("%s %s: %.1f %% of the misses gone, %.3f bytes got a byte served, %+v", model, p, 100*gone, r.Figures().OverRead, r.Figures())
		}
		require.GreaterOrEqual(t, most, 0.9, "%s: the best is %s", model, best)
	}
}
