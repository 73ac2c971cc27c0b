package matrix

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseShard(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		text   string
		getenv func(string) string
		want   Shard
	}{
		{"0/3", nil, Shard{0, 3}},
		{"2/3", nil, Shard{2, 3}},
		{"3/3", nil, Shard{0, 3}},
		{"auto/4", env("AWS_BATCH_JOB_ARRAY_INDEX", "2"), Shard{2, 4}},
		{"auto/4", env("JOB_COMPLETION_INDEX", "0"), Shard{0, 4}},
		{"auto/4", env("SLURM_ARRAY_TASK_ID", "4", "SLURM_ARRAY_TASK_MIN", "1"), Shard{3, 4}},
		{"auto/4", env("SLURM_ARRAY_TASK_ID", "3"), Shard{3, 4}},
	} {
		got, err := ParseShard(c.text, c.getenv)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, got)
	}
	for text, want := range map[string]string{
		"": "want i/n", "1": "want i/n", "1/0": "from 1 to", "a/2": "want i from", "4/3": "want i from", "-1/3": "want i from",
		"1/99999": "from 1 to", "auto/3": "no task of an array",
	} {
		_, err := ParseShard(text, env())
		require.ErrorContains(t, err, want, text)
	}
	_, err := ParseShard("auto/3", env("JOB_COMPLETION_INDEX", "7"))
	require.ErrorContains(t, err, "number 7 of an array")
	_, err = ParseShard("auto/3", env("SLURM_ARRAY_TASK_ID", "x"))
	require.ErrorContains(t, err, `SLURM_ARRAY_TASK_ID is "x"`)
}

// TestShardsAreAPartition: every trial is in exactly one of them, and each runs
// its own in the order of the whole.
func TestShardsAreAPartition(t *testing.T) {
	whole := plan(t, small)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 2*len(whole.Trials)).Draw(t, "n")
		seen := map[string]int{}
		for i := range n {
			part := whole.Only(Shard{i, n})
			require.Equal(t, whole.Header().Trials, part.Header().Trials, "all shards are of one matrix")
			require.Equal(t, whole.Header().Plan, part.Header().Plan)
			at := -1
			for _, tr := range part.Trials {
				seen[tr.key()]++
				for at++; whole.Trials[at].key() != tr.key(); at++ { //nolint:revive // it ends, or panics
				}
			}
		}
		require.Len(t, seen, len(whole.Trials))
		for key, times := range seen {
			require.Equal(t, 1, times, key)
		}
	})
	require.Equal(t, whole.Trials, whole.Only(Shard{}).Trials)
}
