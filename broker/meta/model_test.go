package meta

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestModel throws commands, sensible and senseless, at a state machine, and
// after each checks what must hold whatever was asked for: the facts fit
// together (Image.Check: ranges contiguous, live counts = references, nothing
// destroyed that is referred to), epochs and ids only grow, objects only move
// forward, a follower of the changes ends in the same place as the state, and so
// does one that jumps by an image.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{state: NewState(NewImage()), follower: NewImage(), late: NewImage()}
		m.prepare(t)
		for range rapid.IntRange(1, 120).Draw(t, "commands") {
			m.step(t)
		}
		sameImage(t, m.state.Image(), m.follower)
		m.jump(t)
		m.reload(t)
	})
}

type model struct {
	state    *State
	follower *Image // applies every change
	late     *Image // jumps now and then
	index    uint64
	topics   int
}

// prepare gets two nodes to work, for the way there is long and narrow.
func (m *model) prepare(t *rapid.T) {
	for node := range int32(2) {
		m.apply(t, RegisterNode{NodeID: node})
		m.apply(t, WALOpened{NodeID: node, Epoch: int64(node) + 1})
		m.apply(t, PrepareObjects{NodeID: node, NodeEpoch: int64(node) + 1, Count: 3})
	}
	m.topics = 1
	m.apply(t, CreateTopic{Name: "t0", ID: TopicID{1, 1}, Partitions: 3, Replication: 1})
	for _, s := range m.state.Image().Streams() {
		m.apply(t, OpenStream{StreamID: s.ID, NodeID: int32(s.ID % 2), NodeEpoch: s.ID%2 + 1, StreamEpoch: 1})
	}
}

func (m *model) step(t *rapid.T) {
	m.apply(t, m.draw(t))
	if rapid.IntRange(0, 9).Draw(t, "jump") == 0 {
		m.jump(t)
	}
}

func (m *model) apply(t *rapid.T, cmd Command) {
	before := m.state.Image().Clone()
	m.index += rapid.Uint64Range(1, 3).Draw(t, "gap")
	_, changes, err := m.state.Apply(m.index, cmd)
	if err != nil && len(changes) != 0 {
		t.Fatalf("%T refused with %d changes: %v", cmd, len(changes), err)
	}
	m.follower.advance(m.index)
	for _, c := range changes {
		m.follower.Apply(c)
	}
	im := m.state.Image()
	if err := im.Check(); err != nil {
		t.Fatalf("after %T: %v", cmd, err)
	}
	if rapid.IntRange(0, 4).Draw(t, "compare") == 0 {
		sameImage(t, im, m.follower)
	}
	onlyForward(t, before, im)
	if c, ok := cmd.(CompactObjects); ok && err == nil {
		m.compacted(t, c, before)
	}
}

// compacted checks what a compaction that was not refused must leave alone:
// which offsets there are, and the state; and that repeating it changes nothing.
func (m *model) compacted(t *rapid.T, c CompactObjects, before *Image) {
	im := m.state.Image()
	for id, s := range before.streams {
		v := im.streams[id]
		if v.Start != s.Start || v.End != s.End || string(v.State) != string(s.State) || v.Epoch != s.Epoch {
			t.Fatalf("a compaction made %+v of stream %+v", v, s)
		}
		if bytesOf(v) != bytesOf(s) {
			t.Fatalf("a compaction made %d bytes of %d of stream %d", bytesOf(v), bytesOf(s), id)
		}
	}
	m.index++
	if _, changes, err := m.state.Apply(m.index, c); err != nil || len(changes) != 0 {
		t.Fatalf("repeated: %d changes, %v", len(changes), err)
	}
	m.follower.advance(m.index)
}

func bytesOf(s *Stream) (n int64) {
	for _, r := range s.Ranges {
		n += r.Bytes
	}
	return n
}

// jump brings the late follower up by the difference between two images.
func (m *model) jump(t *rapid.T) {
	for _, c := range diff(m.late, m.state.Image()) {
		m.late.Apply(c)
	}
	m.late.index, m.late.deleted = m.index, m.state.Image().Clone().deleted
	sameImage(t, m.state.Image(), m.late)
}

// reload is what a snapshot does.
func (m *model) reload(t *rapid.T) {
	im, err := DecodeImage(strings.NewReader(encoded(t, m.state.Image())))
	if err != nil {
		t.Fatal(err)
	}
	sameImage(t, m.state.Image(), im)
}

func sameImage(t *rapid.T, want, got *Image) {
	if d := cmp.Diff(encoded(t, want), encoded(t, got)); d != "" {
		t.Fatalf("images differ (-want +got):\n%s", d)
	}
}

func encoded(t *rapid.T, im *Image) string {
	var b strings.Builder
	if err := im.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), `"ranges":[]`, `"ranges":null`)
}

func onlyForward(t *rapid.T, was, is *Image) {
	a, b := was.next, is.next
	if b.NodeEpoch < a.NodeEpoch || b.StreamID < a.StreamID || b.ObjectID < a.ObjectID || b.ProducerID < a.ProducerID {
		t.Fatalf("counters from %+v to %+v", a, b)
	}
	for id, n := range was.nodes {
		if is.nodes[id].Epoch < n.Epoch || is.nodes[id].WALOpened < n.WALOpened {
			t.Fatalf("node from %+v to %+v", n, is.nodes[id])
		}
	}
	for id, s := range was.streams {
		v, ok := is.streams[id]
		if ok && (v.Epoch < s.Epoch || v.Start < s.Start || v.End < s.End) {
			t.Fatalf("stream from %+v to %+v", s, v)
		}
	}
	for id, o := range was.objects {
		v, ok := is.objects[id]
		if !ok && o.State != Destroyed || ok && v.State < o.State {
			t.Fatalf("object from %+v to %+v", o, v)
		}
	}
}

// draw makes a command that is right in most of its fields most of the time:
// noise alone would be refused at the first check.
func (m *model) draw(t *rapid.T) Command {
	im := m.state.Image()
	node := int32(rapid.IntRange(0, 2).Draw(t, "node"))
	epoch := im.nodes[node].Epoch
	if rapid.IntRange(0, 19).Draw(t, "stale") == 0 {
		epoch--
	}
	stream := int64(rapid.IntRange(1, int(im.next.StreamID)).Draw(t, "stream"))
	var s Stream
	if p, ok := im.streams[stream]; ok {
		s = *p
	}
	if s.Open && rapid.IntRange(0, 3).Draw(t, "owner") != 0 {
		node, epoch = s.Node, im.nodes[s.Node].Epoch
	}
	switch rapid.IntRange(0, 16).Draw(t, "command") {
	case 0:
		return RegisterNode{NodeID: node, Advertise: "h:1"}
	case 1:
		return WALOpened{NodeID: node, Epoch: epoch}
	case 2:
		return WALClosed{NodeID: node, Epoch: epoch}
	case 3:
		m.topics++
		return CreateTopic{
			Name: "t" + strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "topic")), ID: TopicID{byte(m.topics), 1},
			Partitions: int32(rapid.IntRange(1, 2).Draw(t, "partitions")), Replication: 1,
		}
	case 4:
		return DeleteTopic{Name: "t" + strconv.Itoa(rapid.IntRange(0, 30).Draw(t, "topic"))}
	case 5, 6:
		return OpenStream{
			StreamID: stream, NodeID: node, NodeEpoch: epoch,
			StreamEpoch: s.Epoch + int64(rapid.IntRange(0, 1).Draw(t, "ahead")),
		}
	case 7:
		return CloseStream{StreamID: stream, NodeID: node, NodeEpoch: epoch, StreamEpoch: s.Epoch}
	case 8:
		return PrepareObjects{NodeID: node, NodeEpoch: epoch, Count: 2, Until: int64(m.index)}
	case 9, 10, 11:
		return m.drawCommit(t, node, epoch)
	case 12, 13:
		return m.drawCompaction(t, node, epoch)
	case 14:
		return TrimStream{
			StreamID: stream, NodeID: node, NodeEpoch: epoch,
			Start: int64(rapid.IntRange(0, int(s.End)+1).Draw(t, "start")),
		}
	}
	return m.drawClean(t)
}

func (m *model) drawClean(t *rapid.T) Command {
	if rapid.Bool().Draw(t, "expire") {
		return ExpireObjects{Before: int64(m.index) - 20}
	}
	return ForgetObjects{IDs: []int64{int64(rapid.IntRange(1, int(m.state.Image().next.ObjectID)).Draw(t, "forget"))}}
}

// drawCompaction takes a run of ranges of most of the node's streams, most
// often whole ones, sometimes as several shares, sometimes without a source.
func (m *model) drawCompaction(t *rapid.T, node int32, epoch int64) Command {
	im := m.state.Image()
	prepared := slices.DeleteFunc(im.Objects(Prepared), func(o Object) bool { return o.Node != node })
	if len(prepared) == 0 {
		return PrepareObjects{NodeID: node, NodeEpoch: epoch, Count: 2, Until: int64(m.index)}
	}
	c := CompactObjects{NodeID: node, NodeEpoch: epoch}
	o := CompactedObject{Kind: KindStreamSet, Key: "c", Size: 10, IndexLength: 1}
	sources := map[int64]bool{}
	for _, s := range im.Streams() {
		if s.Node != node || len(s.Ranges) == 0 || !s.Open && rapid.IntRange(0, 4).Draw(t, "closed") != 0 ||
			rapid.IntRange(0, 4).Draw(t, "skip") == 0 {
			continue
		}
		from := rapid.IntRange(0, len(s.Ranges)-1).Draw(t, "from")
		to := rapid.IntRange(from, len(s.Ranges)-1).Draw(t, "to")
		share := CompactedShare{StreamID: s.ID, Epoch: s.Epoch, Start: s.Ranges[from].Start}
		for i, r := range s.Ranges[from : to+1] {
			sources[r.ObjectID] = true
			share.End = r.End
			if i == to-from || rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
				share.Start += int64(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1}).Draw(t, "off"))
				o.Shares = append(o.Shares, share)
				share.Start = share.End
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		if rapid.IntRange(0, 19).Draw(t, "forgotten") != 0 {
			c.Sources = append(c.Sources, id)
		}
	}
	o.ObjectID = int64(rapid.IntRange(1, int(im.next.ObjectID)).Draw(t, "object"))
	if rapid.IntRange(0, 9).Draw(t, "good") != 0 {
		o.ObjectID = rapid.SampledFrom(prepared).Draw(t, "prepared").ID
	}
	c.Objects = []CompactedObject{o}
	return c
}

func (m *model) drawCommit(t *rapid.T, node int32, epoch int64) Command {
	im := m.state.Image()
	c := CommitObject{
		NodeID: node, NodeEpoch: epoch, Kind: KindStreamSet, Key: "k", Size: 10, IndexLength: 1,
		ObjectID: int64(rapid.IntRange(1, int(im.next.ObjectID)).Draw(t, "object")),
	}
	prepared := im.Objects(Prepared)
	prepared = slices.DeleteFunc(prepared, func(o Object) bool { return o.Node != node })
	if len(prepared) > 0 && rapid.IntRange(0, 3).Draw(t, "good") != 0 {
		c.ObjectID = rapid.SampledFrom(prepared).Draw(t, "prepared").ID
	}
	for _, s := range im.Streams() {
		if s.Node != node || rapid.IntRange(0, 3).Draw(t, "skip") == 0 {
			continue
		}
		n := int64(rapid.IntRange(0, 30).Draw(t, "records"))
		sc := StreamCommit{StreamID: s.ID, Epoch: s.Epoch, Start: s.End, End: s.End + n, Bytes: 10 * n, State: []byte{byte(n)}}
		c.Streams = append(c.Streams, sc)
	}
	if len(c.Streams) > 1 && rapid.Bool().Draw(t, "own") {
		last := len(c.Streams) - 1
		c.StreamObjects = []StreamObject{{ObjectID: c.ObjectID + 1, Key: "l", Size: 9, IndexLength: 1, Stream: c.Streams[last]}}
		c.Streams = c.Streams[:last]
	}
	return c
}
