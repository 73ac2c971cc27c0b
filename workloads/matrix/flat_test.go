package matrix

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

func TestPerGiB(t *testing.T) {
	p := results.Phase{
		Name: "run", End: 10, AckedBytes: 2 << 30, Puts: 7, Gets: 9, PutBytes: 1 << 30, GetBytes: 1 << 29,
		Counters: map[string]int64{
			`tide_objstore_attempts_total{op="put"}`: 3, `tide_objstore_attempts_total{op="part"}`: 20, `tide_objstore_attempts_total{op="create"}`: 4,
			`tide_objstore_attempts_total{op="delete"}`: 100, `tide_objstore_attempts_total{op="get"}`: 5, `tide_objstore_attempts_total{op="HeadObject"}`: 1,
			`tide_objstore_attempts_total{op="UploadPart"}`: 13, `tide_wal_writes_total`: 1000, "tide_wal_io_units_total": 3000, "tide_wal_header_writes_total": 24, "tide_wal_bytes_total": 3 << 30,
		},
	}
	out := map[string]any{}
	perGiB(p, out)
	require.Equal(t, map[string]any{
		"run.acked_mib_per_s": 204.8, "run.puts_per_gib": 20.0, "run.gets_per_gib": 3.0, "run.puts_per_gib_put": 40.0,
		"run.put_bytes_per_byte": 0.5, "run.get_bytes_per_byte": 0.25, "run.wal_writes_per_gib": 512.0, "run.wal_ios_per_gib": 1512.0, "run.wal_bytes_per_byte": 1.5,
	}, out)

	p.Counters = nil // a store that counts no attempts
	perGiB(p, out)
	require.Equal(t, []any{3.5, 4.5}, []any{out["run.puts_per_gib"], out["run.gets_per_gib"]})

	out = map[string]any{}
	perGiB(results.Phase{Name: "run", End: 1, AckedBytes: 1 << 20}, out)
	require.Equal(t, map[string]any{"run.acked_mib_per_s": 1.0}, out, "a target without counters has no requests, not none")
	perGiB(results.Phase{}, out)
}
