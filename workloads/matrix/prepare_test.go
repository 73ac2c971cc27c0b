package matrix

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/workloads/target"
)

func here(t *testing.T) Machine {
	return Machine{
		Out:  filepath.Join(t.TempDir(), "not", "yet"),
		Free: func(string) int64 { return 1 << 40 },
		Reach: func(_ context.Context, s target.Spec) error {
			if s.Address == "10.0.0.1:9092" {
				return errors.New("nothing answers there")
			}
			return nil
		},
	}
}

// TestPrepareGivesEveryReason: those of the file, of single cells and of the
// machine, at once.
func TestPrepareGivesEveryReason(t *testing.T) {
	on := here(t)
	on.Free = func(string) int64 { return 1 << 20 }
	_, err := Prepare(t.Context(), []byte(`
name: bad
axes: {wal.path: [uring], wal.block: [1MiB, 16KiB], wal.window: [256KiB], colour: [red]}
workloads: [tail-2k, no-such]
targets: [tide, "10.0.0.1:9092", "tide?policy=lru"]
constraints: ["x < y"]
repeats: 0
`), false, on)
	for _, want := range []string{
		"matrix bad cannot run", "repeats is 0", `workload "no-such"`, "axis colour", `constraint "x < y"`,
		"wal.block 1MiB does not fit into wal.window 256KiB", "target 10.0.0.1:9092: nothing answers there",
		"has 0.0 GiB free, and a trial takes up to",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = Prepare(t.Context(), []byte(`{name: x, axes: {policy: [lru, fifo]}, workloads: [tail-2k], targets: [tide, "h:1"], constraints: ["policy == lru", "policy != lru"]}`), false, on)
	require.ErrorContains(t, err, "no cell of target tide meets all constraints")
	_, err = Prepare(t.Context(), []byte("axes: []"), false, on)
	require.ErrorContains(t, err, "cannot unmarshal")
}

const several = `
name: several
axes: {wal.path: [uring, pwrite], wal.window: [1MiB, 4MiB], load.messageSize: [100, 1000]}
workloads: [tail-2k]
targets: [tide, 10.0.0.2:9092, "tide?policy=fifo"]
constraints: ["wal.window <= 1MiB", "target != 10.0.0.2:9092 or load.messageSize >= 100"]
repeats: 2
aa: true
`

// TestTargets: axes of the broker multiply tide's cells, and nobody else's.
func TestTargets(t *testing.T) {
	p, err := Prepare(t.Context(), []byte(several), false, here(t))
	require.NoError(t, err)
	count := map[string]int{}
	for _, c := range p.Cells {
		count[c.Settings["target"]]++
	}
	require.Equal(t, map[string]int{"tide": 4, "tide?policy=fifo": 4, "10.0.0.2:9092": 2}, count)
	require.Len(t, p.Trials, 2*(10+1))
	for _, tr := range p.Trials {
		require.False(t, tr.AA && !isTide(tr.Cell.Settings["target"]), "the pair is tide's")
	}

	alone, err := Prepare(t.Context(), []byte(`
name: alone
axes: {wal.path: [uring], wal.window: [1MiB], load.messageSize: [100]}
workloads: [tail-2k]
`), false, here(t))
	require.NoError(t, err)
	require.Empty(t, alone.Cells[0].Settings["target"])
	ids := map[string]bool{}
	for _, c := range p.Cells {
		ids[c.ID] = true
	}
	require.True(t, ids[alone.Cells[0].ID], "a cell of tide is the same one, whatever stands beside it")
	require.Len(t, ids, len(p.Cells))
}

// TestTargetNull: a bare null is the target, not YAML's nothing.
func TestTargetNull(t *testing.T) {
	m := Matrix{}
	require.NoError(t, yaml.Unmarshal([]byte("targets: [tide, null, 'null?policy=lru']"), &m))
	require.Equal(t, targetList{"tide", "null", "null?policy=lru"}, m.Targets)
	require.Error(t, yaml.Unmarshal([]byte("targets: [[tide]]"), &m))
}

// TestQuickIsAnotherCell: it is shorter, and must not be mixed with the full one.
func TestQuickIsAnotherCell(t *testing.T) {
	text := []byte("{name: x, axes: {policy: [lru]}, workloads: [tail-2k], quick: {workloads: [tail-10k]}}")
	full, err := Prepare(t.Context(), text, false, here(t))
	require.NoError(t, err)
	quick, err := Prepare(t.Context(), text, true, here(t))
	require.NoError(t, err)
	require.Equal(t, "tail-10k", quick.Cells[0].Workload)
	require.Equal(t, "true", quick.Cells[0].Settings["quick"])
	require.NotEqual(t, full.Cells[0].ID, quick.Cells[0].ID)
	require.Len(t, quick.Trials, 2)
	require.Less(t, quick.Estimate(nil), full.Estimate(nil))
}

func TestAA(t *testing.T) {
	for aa, want := range map[string]int{"false": 2, "true": 3, "each": 4} {
		m, err := Parse(fmt.Appendf(nil, "{name: x, axes: {depth: [1, 2]}, workloads: [iopath-bench], metric: iops, repeats: 1, aa: %s}", aa), false)
		require.NoError(t, err)
		p, err := m.Plan()
		require.NoError(t, err)
		require.Len(t, p.Trials, want)
	}
	_, err := Parse([]byte("{name: x, aa: some}"), false)
	require.ErrorContains(t, err, "want true, false or each")
}

func TestPrice(t *testing.T) {
	text := func(store string) []byte {
		return fmt.Appendf(nil, `{name: x, workloads: [tail-20mib], axes: {store: [%q]}, repeats: 2}`, store)
	}
	standard := cost.Store{PutMillion: 5, GetMillion: 0.4}
	for store, paid := range map[string]bool{
		"dir:": false, "s3://b/p?endpoint=http://127.0.0.1:7070": false, "s3://b/p?region=eu-west-1": true,
		"s3://b/p?endpoint=https://s3.eu-west-1.amazonaws.com": true, "mem:": false,
	} {
		p, err := Prepare(t.Context(), text(store), false, here(t))
		require.NoError(t, err)
		got := p.Price(nil, standard)
		require.Equal(t, paid, got.USD > 0, store)
		require.Equal(t, paid, len(got.Paid) == 1, store)
		if paid { // 4 minutes of 20 MiB/s: 4800 MiB, twice
			require.InDelta(t, 2*(2*(4800.0/64+1)+4800.0/32), got.Requests.Puts, 1)
			require.InDelta(t, 2*4800.0, got.Requests.Gets, 1)
			require.Zero(t, p.Price(p.progress(nil).everything(p), standard).USD, "what is done costs nothing more")
		}
	}
	p, err := Prepare(t.Context(), []byte(several), false, here(t))
	require.NoError(t, err)
	require.Equal(t, []string{"10.0.0.2:9092"}, p.Price(nil, standard).Unknown)
	require.Greater(t, p.Disk(), int64(2<<30), "a log of its own default")
}

// everything as if it were done.
func (Progress) everything(p Plan) map[string]bool {
	done := map[string]bool{}
	for _, t := range p.Trials {
		done[t.key()] = true
	}
	return done
}
