package wire

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// direct is a connection whose requests are served on the test's goroutine.
type direct struct {
	t      require.TestingT
	broker *fakeBroker
	conn   *conn
	out    *sink
}

// sink is a connection's other end: it keeps what is written.
type sink struct {
	script
	all bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) { return s.all.Write(p) }

func newDirect(t require.TestingT, change func(*Limits)) *direct {
	d := &direct{t: t, broker: newFakeBroker()}
	cfg := d.broker.config(nil)
	cfg.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&cfg.Limits)
	}
	srv, err := New(cfg)
	require.NoError(t, err)
	d.dial(srv)
	return d
}

// dial makes another connection to the same server.
func (d *direct) dial(srv *Server) {
	d.out = &sink{script: script{in: bytes.NewReader(nil)}}
	d.conn = newConn(srv, d.out)
}

func (d *direct) ask(req *kmsg.FetchRequest) *kmsg.FetchResponse {
	require.NoError(d.t, d.conn.dispatch(frameOf(req, 1)[lengthSize:]))
	d.conn.flush()
	frame := bytes.Clone(d.out.all.Bytes())
	d.out.all.Reset()
	require.EqualValues(d.t, len(frame)-lengthSize, binary.BigEndian.Uint32(frame))
	body := frame[fixedHeader:]
	resp := kmsg.NewPtrFetchResponse()
	if resp.Version = req.Version; resp.IsFlexible() {
		body = body[1:]
	}
	require.NoError(d.t, resp.ReadFrom(body))
	return resp
}

// session is a client's side of one.
type session struct {
	*direct
	version   int16
	id, epoch int32
	maxBytes  int32
}

// open opens a session at offset 0 of the partitions.
func (d *direct) open(version int16, topic string, indexes ...int32) (*session, *kmsg.FetchResponse) {
	s := &session{direct: d, version: version, maxBytes: 1 << 20}
	resp := s.send(fetch(version, topic, indexes...))
	s.id, s.epoch = resp.SessionID, 1
	return s, resp
}

func (s *session) send(req *kmsg.FetchRequest) *kmsg.FetchResponse {
	req.Version, req.SessionID, req.SessionEpoch, req.MaxBytes = s.version, s.id, s.epoch, s.maxBytes
	for i := range req.Topics {
		req.Topics[i].TopicID = [16]byte{7}
	}
	for i := range req.ForgottenTopics {
		req.ForgottenTopics[i].TopicID = [16]byte{7}
	}
	return s.ask(req)
}

// next sends one request of the session, which changes offsets of partitions
// and forgets some.
func (s *session) next(offsets map[int32]int64, forgotten ...int32) *kmsg.FetchResponse {
	req := fetch(s.version, "topic")
	for i, offset := range offsets {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = i, offset, 1<<20
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
	}
	if len(offsets) == 0 {
		req.Topics = nil
	}
	if len(forgotten) > 0 {
		f := kmsg.NewFetchRequestForgottenTopic()
		f.Topic, f.Partitions = "topic", forgotten
		req.ForgottenTopics = append(req.ForgottenTopics, f)
	}
	resp := s.send(req)
	if resp.ErrorCode == 0 {
		s.epoch = nextEpoch(s.epoch)
	}
	return resp
}

// held are the partitions of an answer, with their bytes; −code for an error.
func held(resp *kmsg.FetchResponse) map[int32]int {
	all := make(map[int32]int)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			all[p.Partition] = len(p.RecordBatches) - int(p.ErrorCode)
		}
	}
	return all
}

func order(resp *kmsg.FetchResponse) (all []int32) {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			all = append(all, p.Partition)
		}
	}
	return all
}

type parts = map[int32]int

// A session's life, at versions with names and with ids.
func TestSession(t *testing.T) {
	one := len(batch(10))
	for _, version := range []int16{7, 11, 12, 13, 18} {
		d := newDirect(t, nil)
		p := d.broker.topic("topic", 7, 4)
		p[1].put(10)
		s, resp := d.open(version, "topic", 0, 1, 2)
		require.NotZero(t, s.id)
		require.Equal(t, parts{0: 0, 1: one, 2: 0}, held(resp), "the first answer holds all")
		require.Equal(t, parts{1: one}, held(s.next(nil)), "the client has not taken it")
		require.Empty(t, held(s.next(map[int32]int64{1: 1})))

		p[2].put(10)
		require.Equal(t, parts{2: one}, held(s.next(nil)), "it was signalled")
		require.Equal(t, parts{3: 0}, held(s.next(map[int32]int64{2: 1, 3: 0})), "new ones are told of")
		require.Equal(t, parts{2: one}, held(s.next(map[int32]int64{2: 0})), "back again")
		p[3].put(10)
		require.Empty(t, held(s.next(map[int32]int64{2: 1}, 3)), "forgotten")
		require.False(t, p[3].watched())
		require.Equal(t, parts{3: one}, held(s.next(map[int32]int64{3: 0})), "and remembered")

		_, err := p[2].DeleteRecords(t.Context(), 1)
		require.NoError(t, err)
		resp = s.next(map[int32]int64{3: 1})
		require.Equal(t, parts{2: 0}, held(resp), "a log start that moved")
		require.EqualValues(t, 1, resp.Topics[0].Partitions[0].LogStartOffset)
		require.Equal(t, s.id, resp.SessionID)
		require.Empty(t, held(s.next(nil)))
		require.EqualValues(t, 1, d.conn.srv.Stats().Sessions)

		require.Equal(t, parts{}, held(s.next(nil, 0, 1, 2, 3)))
		require.Zero(t, d.conn.srv.Stats().Sessions, "nothing is left in it")
		for _, p := range p {
			require.False(t, p.watched())
		}
	}
}

// What Kafka's FetchManager says to requests that do not fit.
func TestSessionErrors(t *testing.T) {
	d := newDirect(t, nil)
	p := d.broker.topic("topic", 7, 1)
	fails := func(s *session, change func(*session), want *kerr.Error) {
		twin := *s
		change(&twin)
		resp := twin.next(nil)
		require.Equal(t, want.Code, resp.ErrorCode)
		require.Zero(t, resp.SessionID)
		require.Empty(t, resp.Topics)
	}
	s, _ := d.open(12, "topic", 0)
	fails(s, func(s *session) { s.id++ }, kerr.FetchSessionIDNotFound)
	fails(s, func(s *session) { s.id = 0 }, kerr.FetchSessionIDNotFound)
	fails(s, func(s *session) { s.epoch++ }, kerr.InvalidFetchSessionEpoch)
	fails(s, func(s *session) { s.epoch = -2 }, kerr.InvalidFetchSessionEpoch)
	fails(s, func(s *session) { s.version = 13 }, kerr.FetchSessionTopicIDError)
	require.Zero(t, s.next(nil).ErrorCode, "none of them harms it")
	fails(s, func(s *session) { s.epoch-- }, kerr.InvalidFetchSessionEpoch)

	again, resp := d.open(13, "topic", 0)
	require.Equal(t, parts{0: 0}, held(resp))
	require.NotEqual(t, s.id, again.id)
	fails(s, func(*session) {}, kerr.FetchSessionIDNotFound)
	fails(again, func(s *session) { s.version = 12 }, kerr.FetchSessionTopicIDError)

	again.epoch = noSession
	req := fetch(13, "topic", 0)
	resp = again.send(req)
	require.Equal(t, parts{0: 0}, held(resp), "closed by a full request")
	require.Zero(t, resp.SessionID)
	require.False(t, p[0].watched())
	again.epoch = 1
	fails(again, func(*session) {}, kerr.FetchSessionIDNotFound)
}

// A connection that is opened anew knows nothing of the old one's session.
func TestSessionEndsWithItsConnection(t *testing.T) {
	d := newDirect(t, nil)
	p := d.broker.topic("topic", 7, 1)
	s, _ := d.open(12, "topic", 0)
	old := d.conn
	d.dial(d.conn.srv)
	require.Equal(t, kerr.FetchSessionIDNotFound.Code, s.next(nil).ErrorCode)
	require.True(t, p[0].watched())
	old.srv.readers.Add(1)
	old.read() // its input is at its end
	require.False(t, p[0].watched())
	require.Zero(t, d.conn.srv.Stats().Sessions)
	require.Zero(t, d.conn.srv.Stats().SessionParts)
}

func TestSessionEpochWraps(t *testing.T) {
	d := newDirect(t, nil)
	d.broker.topic("topic", 7, 1)
	s, _ := d.open(12, "topic", 0)
	s.epoch, d.conn.session.epoch = math.MaxInt32, math.MaxInt32
	require.Zero(t, s.next(nil).ErrorCode)
	require.EqualValues(t, 1, s.epoch)
	require.Zero(t, s.next(nil).ErrorCode)
}

// An error is said with each answer, at once, until it is over; then the
// partition is told of again.
func TestSessionErrorsOfPartitions(t *testing.T) {
	for _, version := range []int16{12, 16} {
		d := newDirect(t, nil)
		p := d.broker.topic("topic", 7, 2)
		p[0].put(1)
		s, _ := d.open(version, "topic", 0, 1)
		outside := parts{0: -int(kerr.OffsetOutOfRange.Code)}
		require.Equal(t, outside, held(s.next(map[int32]int64{0: 5})))
		require.Equal(t, outside, held(s.next(nil)))
		require.Equal(t, parts{0: 0}, held(s.next(map[int32]int64{0: 1})))
		require.Empty(t, held(s.next(nil)))

		unknown := parts{9: -int(kerr.UnknownTopicOrPartition.Code)}
		require.Equal(t, unknown, held(s.next(map[int32]int64{9: 0})))
		require.Equal(t, unknown, held(s.next(nil)))
		require.Empty(t, held(s.next(nil, 9)))

		fenced := fetch(version, "topic", 1)
		fenced.Topics[0].Partitions[0].CurrentLeaderEpoch = 2
		require.Equal(t, parts{1: -int(kerr.FencedLeaderEpoch.Code)}, held(s.send(fenced)))
		s.epoch++
		require.Equal(t, parts{1: -int(kerr.FencedLeaderEpoch.Code)}, held(s.next(nil)))
		require.Equal(t, parts{1: 0}, held(s.next(map[int32]int64{1: 0})))
	}
}

// A partition that goes, because its topic was deleted or another node leads
// it, fails; when it comes back, the session reads the new one.
func TestSessionPartitionGoesAndComes(t *testing.T) {
	one := len(batch(10))
	for version, code := range map[int16]int16{12: kerr.UnknownTopicOrPartition.Code, 13: kerr.UnknownTopicID.Code} {
		d := newDirect(t, nil)
		p := d.broker.topic("topic", 7, 2)
		s, _ := d.open(version, "topic", 0, 1)
		d.broker.set(func() { delete(d.broker.topics, "topic") })
		p[0].drop(kerr.UnknownTopicOrPartition)
		p[1].drop(kerr.UnknownTopicOrPartition)
		gone := parts{0: -int(code), 1: -int(code)}
		require.Equal(t, gone, held(s.next(nil)))
		require.Equal(t, gone, held(s.next(nil)))
		require.False(t, p[0].watched())

		p = d.broker.topic("topic", 7, 2)
		require.Equal(t, parts{0: 0, 1: 0}, held(s.next(nil)))
		p[1].put(10)
		require.Equal(t, parts{1: one}, held(s.next(nil)))
	}
}

// With room for one partition in an answer all get their turn, also one whose
// client never takes what it gets.
func TestSessionStarvesNone(t *testing.T) {
	d := newDirect(t, nil)
	p := d.broker.topic("topic", 7, 4)
	for _, p := range p {
		p.put(10)
	}
	s, resp := d.open(12, "topic", 0, 1, 2, 3)
	require.Equal(t, []int32{0, 1, 2, 3}, order(resp))
	require.Equal(t, []int32{0, 1, 2, 3}, order(s.next(nil)))
	s.maxBytes = 1
	for range 3 {
		for i := range int32(4) {
			require.Equal(t, []int32{i}, order(s.next(nil)))
		}
	}
	p[3].put(10)
	resp = s.next(nil)
	require.Equal(t, parts{0: len(batch(10)), 3: 0}, held(resp), "its high watermark is news, its records have no room")
}

func TestSessionLimits(t *testing.T) {
	d := newDirect(t, func(l *Limits) { l.FetchSessions, l.SessionPartitions = 2, 5 })
	p := d.broker.topic("topic", 7, 4)
	p[3].put(1)
	s, _ := d.open(12, "topic", 0, 1, 2)
	first := d.conn
	d.dial(first.srv)
	refused, resp := d.open(12, "topic", 0, 1, 3)
	require.Zero(t, refused.id, "there is room for two more partitions")
	require.Equal(t, parts{0: 0, 1: 0, 3: len(batch(1))}, held(resp))
	second, _ := d.open(12, "topic", 3)
	require.NotZero(t, second.id)
	d.dial(first.srv)
	third, _ := d.open(12, "topic", 1)
	require.Zero(t, third.id, "there is room for two sessions")

	d.conn, d.out = first, first.nc.(*sink)
	require.Zero(t, s.next(map[int32]int64{0: 0}).ErrorCode)
	require.Zero(t, s.next(nil, 0, 1).ErrorCode)
	require.Zero(t, s.next(map[int32]int64{0: 0, 1: 0}).ErrorCode, "as many as there were")
	require.Zero(t, s.next(map[int32]int64{3: 0}).ErrorCode)
	require.Equal(t, kerr.FetchSessionIDNotFound.Code, s.next(map[int32]int64{9: 0}).ErrorCode)
	st := first.srv.Stats()
	require.EqualValues(t, 1, st.Sessions)
	require.EqualValues(t, 1, st.SessionParts)
	require.EqualValues(t, 3, st.SessionsFull)
	for _, p := range p[:3] {
		require.False(t, p.watched())
	}
}

// A name that no topic can have costs more memory than a partition is counted
// for.
func TestSessionRefusesLongNames(t *testing.T) {
	d := newDirect(t, nil)
	d.broker.topic("topic", 7, 1)
	s, resp := d.open(12, string(make([]byte, 250)), 0)
	require.Zero(t, s.id)
	require.Equal(t, parts{0: -int(kerr.UnknownTopicOrPartition.Code)}, held(resp))
}

// What is at its end is not read, in a session and without.
func TestFetchSkipsWhatIsAtItsEnd(t *testing.T) {
	d := newDirect(t, nil)
	p := d.broker.topic("topic", 7, 3)
	p[1].put(10)
	s, _ := d.open(12, "topic", 0, 1, 2)
	s.next(map[int32]int64{1: 1})
	s.next(nil)
	d.ask(fetch(6, "topic", 0, 1, 2))
	require.Equal(t, []int{0, 2, 0}, []int{p[0].reads, p[1].reads, p[2].reads})
}

// The decoder reads what the generated codec writes, forgotten partitions
// included.
func TestFetchDecoder(t *testing.T) {
	a := apis[keyFetch]
	for version := a.min; version <= a.max; version++ {
		rnd := rand.New(rand.NewPCG(1, uint64(version)))
		for range 20 {
			req := randomRequest(a, version, rnd).(*kmsg.FetchRequest)
			d := newDecoder(&request{api: a, version: version, body: req.AppendTo(nil)})
			var f fetchRequest
			d.fetchRequest(&f)
			require.NoError(t, d.err)
			require.Empty(t, d.src)
			requireSame(t, req, &f)
		}
	}
}

func requireSame(t *testing.T, req *kmsg.FetchRequest, f *fetchRequest) {
	sameTopic := func(got fetchTopic, name string, id [16]byte) {
		if req.Version >= 13 {
			require.Equal(t, id, got.id)
		} else {
			require.Equal(t, name, string(got.name))
		}
	}
	require.Len(t, f.topics, len(req.Topics))
	for i, want := range req.Topics {
		got := f.topics[i]
		sameTopic(got, want.Topic, want.TopicID)
		require.Len(t, f.parts[got.from:got.to], len(want.Partitions))
		for j, p := range f.parts[got.from:got.to] {
			require.Equal(t, want.Partitions[j].Partition, p.index)
			require.Equal(t, want.Partitions[j].FetchOffset, p.offset)
			require.Equal(t, max(int(want.Partitions[j].PartitionMaxBytes), 0), p.maxBytes)
		}
	}
	if req.Version < 7 {
		require.Equal(t, []int32{0, noSession}, []int32{f.sessionID, f.epoch})
		return
	}
	require.Equal(t, []int32{req.SessionID, req.SessionEpoch}, []int32{f.sessionID, f.epoch})
	require.Len(t, f.forgotten, len(req.ForgottenTopics))
	for i, want := range req.ForgottenTopics {
		got := f.forgotten[i]
		sameTopic(got, want.Topic, want.TopicID)
		require.Equal(t, len(want.Partitions), got.to-got.from)
		for j, n := range want.Partitions {
			require.Equal(t, n, f.left[got.from+j])
		}
	}
}
