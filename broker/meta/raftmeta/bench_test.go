package raftmeta

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
)

// BenchmarkPropose is one proposal through raft and bbolt with its fsync; with
// many at once they share transactions.
func BenchmarkPropose(b *testing.B) {
	for _, proposers := range []int{1, 64} {
		b.Run(fmt.Sprintf("proposers=%d", proposers), func(b *testing.B) {
			n, err := Open(config(b.TempDir()))
			require.NoError(b, err)
			defer n.Close()
			b.SetParallelism(proposers)
			if proposers == 1 {
				for b.Loop() {
					_, err := n.Propose(b.Context(), meta.RegisterNode{NodeID: 1})
					require.NoError(b, err)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := n.Propose(b.Context(), meta.RegisterNode{NodeID: 1}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
