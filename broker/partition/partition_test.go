package partition

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/stream"
	"github.com/twmb/franz-go/pkg/kerr"
)

func ignore(AppendResult) {}

// mustAppend appends a batch that must be accepted.
func mustAppend(t testing.TB, p *Partition, d produced) {
	t.Helper()
	require.NoError(t, p.Append(context.Background(), d.build(t), ignore))
}

func TestAppendPatches(t *testing.T) {
	l := &memLog{id: 3, epoch: 8, next: 100, end: 100, auto: true}
	p := opened(t, l, func(c *Config, o *Options) {
		c.Clock = func() time.Time { return time.UnixMilli(5555) }
		o.LogAppendTime = true
	})
	var res AppendResult
	d := from(1, 0, 0, 2)
	require.NoError(t, p.Append(context.Background(), d.build(t), func(r AppendResult) { res = r }))
	require.Equal(t, AppendResult{BaseOffset: 100, LogAppendTime: 5555}, res)
	require.NoError(t, p.Append(context.Background(), d.build(t), func(r AppendResult) { res = r }))
	require.Equal(t, AppendResult{BaseOffset: 100, LogAppendTime: 5555}, res, "a duplicate gets its original's answer")

	b := l.batches[0]
	require.Equal(t, object.RecordBatch{StreamID: 3, Epoch: 8, BaseOffset: 100, Count: 2, Payload: b.Payload}, b)
	require.NoError(t, Verify(b.Payload))
	h, err := ReadHeader(b.Payload)
	require.NoError(t, err)
	require.EqualValues(t, 100, h.BaseOffset)
	require.EqualValues(t, 8, h.LeaderEpoch)
	require.EqualValues(t, 102, p.HighWatermark())
}

// TestAppendErrors: what the stream refuses leaves no trace in the sequences.
func TestAppendErrors(t *testing.T) {
	for _, tc := range []struct{ in, want error }{
		{stream.ErrTooLarge, kerr.MessageTooLarge},
		{stream.ErrClosed, kerr.NotLeaderForPartition},
		{stream.ErrFailed, kerr.KafkaStorageError},
		{context.DeadlineExceeded, kerr.RequestTimedOut},
		{errors.New("other"), kerr.KafkaStorageError},
	} {
		l := &memLog{epoch: 1, refuse: tc.in}
		p := opened(t, l)
		d := from(1, 0, 0, 1)
		err := p.Append(context.Background(), d.build(t), func(AppendResult) { t.Error("done ran") })
		require.ErrorIs(t, err, tc.want)
		require.Empty(t, p.state.producers.byID)
		mustAppend(t, p, d)
		require.Len(t, l.batches, 1)
		l.settle(1, nil)
	}
}

// TestBackPressure: while the log has no room, an append waits before it has
// an offset; when its time is up it is never appended, and neither is the one
// that waited behind it for the partition's lock.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{epoch: 1, auto: true, room: make(chan struct{}, 1)}
		p := opened(t, l)
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				errs <- p.Append(ctx, plain(1).build(t), ignore)
			}()
		}
		require.ErrorIs(t, <-errs, kerr.RequestTimedOut)
		require.ErrorIs(t, <-errs, kerr.RequestTimedOut)
		require.Empty(t, l.batches)
		l.room <- struct{}{}
		mustAppend(t, p, plain(1))
		require.EqualValues(t, 1, p.HighWatermark())
	})
}

// TestDuplicatesOfOneInFlight: many duplicates, one record, one answer each.
func TestDuplicatesOfOneInFlight(t *testing.T) {
	l := &memLog{epoch: 1}
	p := opened(t, l)
	answers := 0
	count := func(r AppendResult) {
		require.NoError(t, r.Err)
		require.Zero(t, r.BaseOffset)
		answers++
	}
	d := from(1, 0, 0, 1)
	for range 1 + maxWaiting {
		require.NoError(t, p.Append(context.Background(), d.build(t), count))
	}
	require.ErrorIs(t, p.Append(context.Background(), d.build(t), count), kerr.RequestTimedOut, "the list is bounded")
	require.EqualValues(t, 1, p.flight.refused)
	require.Zero(t, answers)
	l.settle(1, nil)
	require.Equal(t, 1+maxWaiting, answers)
	require.Len(t, l.batches, 1)
}

// TestConcurrentProducers: with the race detector, and every answer exactly once.
func TestConcurrentProducers(t *testing.T) {
	l := &memLog{epoch: 1, auto: true}
	p := opened(t, l)
	const producers, each = 4, 50
	finished := make(chan int64, 2*producers*each)
	for pid := range int64(producers) {
		go func() {
			for seq := range int32(each) {
				for range 2 {
					b := from(pid, 0, seq, 1).build(t)
					if err := p.Append(context.Background(), b, func(r AppendResult) { finished <- r.BaseOffset }); err != nil {
						t.Error(err)
						finished <- -1
					}
				}
			}
		}()
	}
	seen := make(map[int64]int)
	for range 2 * producers * each {
		seen[<-finished]++
	}
	require.Len(t, seen, producers*each)
	for offset, n := range seen {
		require.Equal(t, 2, n, "offset %d", offset)
	}
}

// TestBadBatchesArePassedOver: what cannot be decoded is named, and what lies
// behind it is read.
func TestBadBatchesArePassedOver(t *testing.T) {
	l := &memLog{epoch: 1, auto: true}
	p := opened(t, l)
	zipped := plain(3)
	zipped.codec = Zstd
	mustAppend(t, p, plain(2))
	mustAppend(t, p, zipped)
	mustAppend(t, p, plain(2))
	clear(l.batches[1].Payload[HeaderSize:])
	var offsets, skipped []int64
	fn := func(r Record) error { offsets = append(offsets, r.Offset); return nil }
	require.NoError(t, p.ForEachRecord(t.Context(), 1, fn, func(start, end int64, err error) {
		require.ErrorIs(t, err, kerr.CorruptMessage)
		skipped = append(skipped, start, end)
	}))
	require.Equal(t, []int64{1, 5, 6}, offsets)
	require.Equal(t, []int64{2, 5}, skipped)
	full := errors.New("full")
	require.Equal(t, full, p.ForEachRecord(t.Context(), 0, func(Record) error { return full }, nil), "the caller's error is no damage")
}

// TestGoneBeforeTheSignal: whoever is woken by the end of a partition finds
// out why it ended.
func TestGoneBeforeTheSignal(t *testing.T) {
	p := opened(t, &memLog{epoch: 1, auto: true})
	require.NoError(t, p.Gone())
	p.close(kerr.UnknownTopicOrPartition)
	p.close(kerr.NotLeaderForPartition)
	require.ErrorIs(t, p.Gone(), kerr.UnknownTopicOrPartition)
	_, err := p.Fetch(t.Context(), 9, 1, true)
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition, "what it was fetched for is gone, whatever else is wrong")
}

func TestFetchAndTrim(t *testing.T) {
	l := &memLog{epoch: 1, auto: true}
	p := opened(t, l)
	for range 3 {
		mustAppend(t, p, plain(2))
	}
	r, err := p.Fetch(context.Background(), 3, 1, true)
	require.NoError(t, err)
	require.EqualValues(t, 4, r.Next)
	r.Release()
	for _, offset := range []int64{-1, 7} {
		_, err = p.Fetch(context.Background(), offset, 1, true)
		require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	}
	require.ErrorIs(t, p.Trim(context.Background(), 7), kerr.OffsetOutOfRange)
	require.NoError(t, p.Trim(context.Background(), 4))
	require.EqualValues(t, 4, p.LogStartOffset())
	var offsets []int64
	require.NoError(t, p.ForEachRecord(context.Background(), 5, func(r Record) error {
		offsets = append(offsets, r.Offset)
		return nil
	}, nil))
	require.Equal(t, []int64{5}, offsets)
	p.close(kerr.NotLeaderForPartition)
	require.ErrorIs(t, p.Append(context.Background(), plain(1).build(t), ignore), kerr.NotLeaderForPartition)
}

func TestOffsetForTime(t *testing.T) {
	type answer struct{ offset, ts int64 }
	for _, codec := range []Compression{None, Gzip, Snappy, LZ4, Zstd} {
		l := &memLog{epoch: 1, auto: true}
		p := opened(t, l)
		ask := func(ts int64) answer {
			t.Helper()
			o, at, err := p.OffsetForTime(context.Background(), ts)
			require.NoError(t, err)
			return answer{o, at}
		}
		require.Equal(t, answer{-1, -1}, ask(0))
		require.Equal(t, answer{-1, -1}, ask(MaxTimestampOffset))
		for _, times := range [][]int64{{100, 110, 105}, {200, 190}, {150}, {300, 400, 400}} {
			d := plain(1)
			d.times, d.codec = times, codec
			mustAppend(t, p, d)
		}
		check := func() {
			t.Helper()
			require.Equal(t, answer{9, -1}, ask(LatestOffset))
			require.Equal(t, answer{0, -1}, ask(EarliestOffset))
			require.Equal(t, answer{7, 400}, ask(MaxTimestampOffset))
			require.Equal(t, answer{0, 100}, ask(0))
			require.Equal(t, answer{1, 110}, ask(101))
			require.Equal(t, answer{3, 200}, ask(111))
			require.Equal(t, answer{6, 300}, ask(201))
			require.Equal(t, answer{7, 400}, ask(400))
			require.Equal(t, answer{-1, -1}, ask(401))
		}
		check() // all of it in the tail
		l.ranges = []stream.TimeRange{{Start: 0, End: 3, MaxTimestamp: 110}, {Start: 3, End: 6, MaxTimestamp: -1}}
		check() // one range with a time, one without, and a tail
		require.NoError(t, p.Trim(context.Background(), 2))
		require.Equal(t, answer{2, 105}, ask(0), "records before the start are gone")
		require.Equal(t, answer{2, -1}, ask(EarliestOffset))
		_, _, err := p.OffsetForTime(context.Background(), -9)
		require.ErrorIs(t, err, kerr.InvalidRequest)
	}
}

// TestLatestTimestampIsTrimmed: the record with the largest timestamp of its
// range, or of its batch, lies before the start.
func TestLatestTimestampIsTrimmed(t *testing.T) {
	for _, ranges := range [][]stream.TimeRange{nil, {{Start: 0, End: 5, MaxTimestamp: 900}}} {
		l := &memLog{epoch: 1, auto: true}
		p := opened(t, l)
		for _, times := range [][]int64{{100, 900, 105}, {200, 190}, {150}} {
			d := plain(1)
			d.times = times
			mustAppend(t, p, d)
		}
		l.ranges = ranges
		for start, want := range [][2]int64{{1, 900}, {1, 900}, {3, 200}, {3, 200}, {4, 190}, {5, 150}, {-1, -1}} {
			require.NoError(t, p.Trim(context.Background(), int64(start)))
			offset, ts, err := p.OffsetForTime(context.Background(), MaxTimestampOffset)
			require.NoError(t, err)
			require.Equal(t, want, [2]int64{offset, ts}, "start %d, ranges %v", start, ranges)
		}
	}
}

func TestLeaderEpochs(t *testing.T) {
	s := newFoldState()
	for _, b := range []struct {
		base  int64
		epoch int32
	}{{10, 2}, {11, 2}, {12, 5}} {
		s.advance(Header{ProducerID: -1, BaseOffset: b.base, Count: 1}, b.epoch)
	}
	p := opened(t, &memLog{epoch: 7, snapshot: s.Encode(), next: 13, end: 13, auto: true})
	ask := func(epoch int32) [2]int64 {
		found, end := p.EndOffsetForEpoch(epoch)
		return [2]int64{int64(found), end}
	}
	require.Equal(t, [2]int64{7, 13}, ask(7), "the leader's own epoch ends at the end, even when nothing is there yet")
	mustAppend(t, p, plain(1))
	require.Equal(t, [2]int64{7, 14}, ask(7))
	require.Equal(t, [2]int64{-1, -1}, ask(8))
	require.Equal(t, [2]int64{-1, -1}, ask(-1))
	require.Equal(t, [2]int64{5, 13}, ask(6))
	require.Equal(t, [2]int64{5, 13}, ask(5))
	require.Equal(t, [2]int64{2, 12}, ask(2))
	require.Equal(t, [2]int64{1, 10}, ask(1), "before the list: it ends where the list begins")
	require.EqualValues(t, -1, p.EpochAt(9))
	require.EqualValues(t, 2, p.EpochAt(11))
	require.EqualValues(t, 7, p.EpochAt(13))
	var l epochList
	for i := range int32(maxEpochs + 5) {
		l = l.add(i, int64(i))
	}
	require.Len(t, l, maxEpochs)
	require.EqualValues(t, 5, l[0].epoch)
}
