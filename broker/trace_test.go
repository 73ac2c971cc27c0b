package broker

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/trace"
)

// TestTrace records what a consumer reads out of objects.
func TestTrace(t *testing.T) {
	cfg := small(t)
	r := start(t, cfg)
	r.produce(t, "traced", 0, 50)
	require.NoError(t, r.stop()) // and with that everything is in objects
	cfg.Trace = filepath.Join(t.TempDir(), "trace")
	r = start(t, cfg)
	r.consume(t, "traced", 50)
	require.NoError(t, r.stop())

	f, err := os.Open(cfg.Trace)
	require.NoError(t, err)
	defer f.Close()
	s, err := trace.Summarize(f)
	require.NoError(t, err)
	require.True(t, s.Complete)
	require.Zero(t, s.Lost)
	require.Positive(t, s.Accesses)
	require.Positive(t, s.Footprint)
	require.Positive(t, s.Kinds[trace.IndexMiss.String()])

	before, err := os.ReadFile(cfg.Trace)
	require.NoError(t, err)
	r = start(t, cfg)
	require.NoError(t, r.stop())
	after, err := os.ReadFile(cfg.Trace)
	require.NoError(t, err)
	require.Equal(t, before, after, "it is not written over")
	require.FileExists(t, cfg.Trace+".1")
	require.NoFileExists(t, cfg.Trace+".2")

	cfg.Trace = filepath.Join(t.TempDir(), "no", "such", "place")
	_, err = Open(context.Background(), cfg)
	require.ErrorContains(t, err, "--trace")
}
