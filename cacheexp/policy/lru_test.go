package policy_test

import (
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/cacheexp/policy"
)

// TestGolangLRU: lru is hashicorp's, hit by hit and victim by victim.
func TestGolangLRU(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		capacity := rapid.IntRange(1, 50).Draw(r, "capacity")
		var want, got []policy.Key
		theirs, err := simplelru.NewLRU(capacity, func(k policy.Key, _ struct{}) { want = append(want, k) })
		require.NoError(r, err)
		ours, err := policy.New("lru", int64(capacity))
		require.NoError(r, err)
		for range rapid.IntRange(1, 500).Draw(r, "requests") {
			q := policy.Request{Key: policy.Key{Object: rapid.Int64Range(0, 80).Draw(r, "key")}, Size: 1}
			_, hit := theirs.Get(q.Key)
			require.Equal(r, hit, ours.Access(q))
			if hit {
				continue
			}
			theirs.Add(q.Key, struct{}{})
			require.True(r, policy.MakeRoom(ours, int64(capacity), q, func(k policy.Key) { got = append(got, k) }))
			ours.Insert(q)
		}
		require.Equal(r, want, got)
		require.EqualValues(r, theirs.Len(), ours.Used())
	})
}
