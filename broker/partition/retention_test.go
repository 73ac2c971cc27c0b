package partition

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidelog/tide/broker/stream"
	"github.com/twmb/franz-go/pkg/kerr"
)

func ranges(of ...[3]int64) (out []stream.TimeRange) {
	at := int64(0)
	for _, r := range of {
		out = append(out, stream.TimeRange{Start: at, End: r[0], MaxTimestamp: r[1], Bytes: r[2]})
		at = r[0]
	}
	return out
}

func TestExpired(t *testing.T) {
	all := ranges([3]int64{10, 100, 50}, [3]int64{20, -1, 50}, [3]int64{30, 90, 50}, [3]int64{40, 500, 50}, [3]int64{50, 80, 50})
	for name, c := range map[string]struct {
		options    Options
		end, bytes int64
	}{
		"no bound":                    {Options{RetentionMillis: -1, RetentionBytes: -1}, 0, 0},
		"all young":                   {Options{RetentionMillis: 900, RetentionBytes: -1}, 0, 0},
		"exactly as old as allowed":   {Options{RetentionMillis: 910, RetentionBytes: -1}, 0, 0},
		"the unknown goes with later": {Options{RetentionMillis: 800, RetentionBytes: -1}, 30, 150},
		"none behind a young one":     {Options{RetentionMillis: 600, RetentionBytes: -1}, 30, 150},
		"everything":                  {Options{RetentionMillis: 0, RetentionBytes: -1}, 50, 250},
		"size":                        {Options{RetentionMillis: -1, RetentionBytes: 120}, 20, 100},
		"size, exactly":               {Options{RetentionMillis: -1, RetentionBytes: 100}, 30, 150},
		"size, nothing to keep":       {Options{RetentionMillis: -1, RetentionBytes: 0}, 50, 250},
		"size, less than a range":     {Options{RetentionMillis: -1, RetentionBytes: 1}, 40, 200},
		"whichever takes more":        {Options{RetentionMillis: 800, RetentionBytes: 50}, 40, 200},
		"internal":                    {Options{RetentionMillis: 0, RetentionBytes: 0, Internal: true}, 0, 0},
	} {
		c.options.Deletes = true
		end, bytes := c.options.expired(all, 1000)
		require.Equal(t, [2]int64{c.end, c.bytes}, [2]int64{end, bytes}, name)
		c.options.Deletes = false
		end, _ = c.options.expired(all, 1000)
		require.Zero(t, end, name)
	}
	o := Options{Deletes: true, RetentionMillis: 800, RetentionBytes: -1}
	end, _ := o.expired(nil, 1000)
	require.Zero(t, end)
	end, _ = o.expired(ranges([3]int64{10, -1, 50}), 1<<50)
	require.Zero(t, end, "of records without a time or an object nobody knows how old they are")
	timeless := ranges([3]int64{10, -1, 50}, [3]int64{20, -1, 50}, [3]int64{30, -1, 50})
	timeless[0].Written, timeless[1].Written, timeless[2].Written = 100, 150, 900
	end, _ = o.expired(timeless, 1000)
	require.EqualValues(t, 20, end, "records without a time are as old as their object")
}

func TestRetentionOptions(t *testing.T) {
	read := func(c Config, configs map[string]string) [3]any {
		o := c.withDefaults().options(configs)
		return [3]any{o.Deletes, o.RetentionMillis, o.RetentionBytes}
	}
	week := 7 * 24 * time.Hour.Milliseconds()
	require.Equal(t, [3]any{true, week, int64(-1)}, read(Config{}, nil), "Kafka's defaults")
	require.Equal(t, [3]any{true, int64(1000), int64(77)}, read(Config{Retention: time.Second, RetentionBytes: 77}, nil))
	own := map[string]string{ConfigRetentionMillis: "-1", ConfigRetentionBytes: "0", ConfigCleanupPolicy: "compact"}
	require.Equal(t, [3]any{false, int64(-1), int64(0)}, read(Config{RetentionBytes: 77}, own))
	require.Equal(t, [3]any{true, int64(-1), int64(-1)}, read(Config{Retention: -time.Hour},
		map[string]string{ConfigCleanupPolicy: "compact, delete", ConfigRetentionBytes: "-1"}))
}

// TestRetain: only what is in objects goes, and readers below it are told.
func TestRetain(t *testing.T) {
	now := time.UnixMilli(10_000)
	l := &memLog{epoch: 1, auto: true}
	p := opened(t, l, func(c *Config, o *Options) {
		c.Clock = func() time.Time { return now }
		o.RetentionMillis = 1000
	})
	for range 6 {
		mustAppend(t, p, plain(1))
	}
	l.ranges = ranges([3]int64{2, 9500, 10}, [3]int64{4, 9900, 10})
	got, err := p.retain(context.Background())
	require.NoError(t, err)
	require.Zero(t, got)
	now = time.UnixMilli(10_600)
	got, err = p.retain(context.Background())
	require.NoError(t, err)
	require.Equal(t, Trimmed{Topic: "t", Start: 2, Bytes: 10}, got)
	now = time.UnixMilli(1 << 40)
	got, err = p.retain(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 4, got.Start, "4 and 5 are in no object yet")
	got, err = p.retain(context.Background())
	require.NoError(t, err)
	require.Zero(t, got, "once is enough")
	_, err = p.Fetch(context.Background(), 3, 100, true)
	require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	offset, _, err := p.OffsetForTime(context.Background(), EarliestOffset)
	require.NoError(t, err)
	require.EqualValues(t, 4, offset)
}

func TestDeleteRecords(t *testing.T) {
	l := &memLog{epoch: 1, auto: true}
	p := opened(t, l)
	for range 6 {
		mustAppend(t, p, plain(1))
	}
	ask := func(before int64) int64 {
		start, err := p.DeleteRecords(context.Background(), before)
		require.NoError(t, err)
		return start
	}
	require.EqualValues(t, 0, ask(0))
	require.EqualValues(t, 3, ask(3))
	require.EqualValues(t, 3, ask(2), "it never goes back")
	_, err := p.Fetch(context.Background(), 2, 100, true)
	require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	for _, bad := range []int64{7, -2} {
		_, err = p.DeleteRecords(context.Background(), bad)
		require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	}
	require.EqualValues(t, 6, ask(-1))
	for _, change := range []func(*Options){func(o *Options) { o.Deletes = false }, func(o *Options) { o.Internal = true }} {
		p := opened(t, &memLog{epoch: 1, auto: true}, func(_ *Config, o *Options) { change(o) })
		_, err = p.DeleteRecords(context.Background(), 0)
		require.ErrorIs(t, err, kerr.PolicyViolation)
	}
}

// TestRetainGoesOn: an error in one partition does not keep the others.
func TestRetainGoesOn(t *testing.T) {
	m := &Manager{streams: map[int64]*Partition{}}
	for i := range int64(3) {
		l := &memLog{id: i, epoch: 1, auto: true}
		p := opened(t, l, func(_ *Config, o *Options) { o.RetentionMillis = 0 })
		mustAppend(t, p, plain(1))
		l.ranges = ranges([3]int64{1, 1, 10})
		if i == 1 {
			l.ranges[0].End = 9 // beyond the end: the trim is refused
		}
		m.streams[i] = p
	}
	got, err := m.Retain(context.Background())
	require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	require.Len(t, got, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = m.Retain(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
