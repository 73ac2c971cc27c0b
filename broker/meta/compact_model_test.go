package meta

import (
	"testing"

	"pgregory.net/rapid"
)

// TestCompactionModel is TestModel with commands that make many ranges and merge
// them: what holds after any command holds here after long rows of commits,
// compactions, trims and deletions, most of which succeed.
func TestCompactionModel(t *testing.T) {
	merged := 0
	rapid.Check(t, func(t *rapid.T) {
		m := &model{state: NewState(NewImage()), follower: NewImage(), late: NewImage()}
		m.prepare(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			node := int32(rapid.IntRange(0, 1).Draw(t, "node"))
			epoch := m.state.Image().nodes[node].Epoch
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2, 3:
				m.upload(t, node, epoch)
			case 4, 5, 6, 7:
				m.apply(t, PrepareObjects{NodeID: node, NodeEpoch: epoch, Count: 1})
				cmd := m.drawCompaction(t, node, epoch)
				destroyed := len(m.state.Image().Objects(Destroyed))
				m.apply(t, cmd)
				merged += len(m.state.Image().Objects(Destroyed)) - destroyed
			case 8:
				s := rapid.SampledFrom(append(m.state.Image().Streams(), Stream{})).Draw(t, "stream")
				m.apply(t, TrimStream{StreamID: s.ID, NodeID: node, NodeEpoch: epoch, Start: int64(rapid.IntRange(0, int(s.End)).Draw(t, "start"))})
			default:
				if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
					m.apply(t, DeleteTopic{Name: "t0"})
				} else {
					m.apply(t, m.drawClean(t))
				}
			}
		}
		m.jump(t)
		m.reload(t)
	})
	t.Logf("%d objects merged away", merged)
	if merged < 10 {
		t.Fatalf("only %d objects were merged away: the test shows nothing", merged)
	}
}

// upload commits to all of the node's streams.
func (m *model) upload(t *rapid.T, node int32, epoch int64) {
	m.apply(t, PrepareObjects{NodeID: node, NodeEpoch: epoch, Count: 1})
	im := m.state.Image()
	c := CommitObject{
		NodeID: node, NodeEpoch: epoch, Kind: KindStreamSet, Key: "k", Size: 10, IndexLength: 1, ObjectID: im.next.ObjectID - 1,
	}
	for _, s := range im.Streams() {
		if n := int64(rapid.IntRange(0, 5).Draw(t, "records")); s.Node == node && n > 0 {
			c.Streams = append(c.Streams, StreamCommit{StreamID: s.ID, Epoch: s.Epoch, Start: s.End, End: s.End + n, Bytes: 10 * n, MaxTimestamp: n - 1})
		}
	}
	m.apply(t, c)
}
