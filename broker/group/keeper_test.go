package group

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// TestSnapshotBoundsTheLog: however much is committed, the log stays short, a
// trim that is refused is asked for again, and nothing is lost.
func TestSnapshotBoundsTheLog(t *testing.T) {
	bubble(t, Config{SnapshotRecords: 100}, func(t *testing.T, c *Coordinator, l *memLog) {
		l.refuseTrim(true)
		for i := range int64(250) {
			require.NoError(t, commitAs(c, nil, i))
			synctest.Wait() // the keeper runs
		}
		require.Zero(t, l.start)
		l.refuseTrim(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, 1, l.trims)
		for i := range int64(1000) {
			require.NoError(t, commitAs(c, nil, i))
			synctest.Wait()
			require.LessOrEqual(t, len(l.records), 102)
		}
		require.EqualValues(t, 999, committedFor(started(t, Config{}, l.crash()).closing(t)))
		l.refuse = errors.New("full")
		require.Error(t, c.snapshot(context.Background()))
		l.refuse = nil
		require.NoError(t, c.snapshot(context.Background()))
	})
}

// TestCrashAtEveryStep: the log is cloned before every append and every trim,
// and each clone gives back exactly what was committed by then.
func TestCrashAtEveryStep(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type cut struct {
			log  *memLog
			want map[string]int64
		}
		var cuts []cut
		l := &memLog{}
		model := make(map[string]int64)
		c := started(t, Config{SnapshotRecords: 1 << 30}, l)
		l.onStep = func() { cuts = append(cuts, cut{l.crash(), maps.Clone(model)}) }
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"g", "h", "i"}).Draw(rt, "group")
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				require.NoError(rt, c.snapshot(context.Background()))
				require.NoError(rt, c.trim(context.Background()))
			case 1:
				if err := c.deleteGroup(context.Background(), id); err != nil {
					require.ErrorIs(rt, err, kerr.GroupIDNotFound)
				}
				delete(model, id)
			default:
				offset := rapid.Int64Range(0, 1000).Draw(rt, "offset")
				req := kmsg.NewPtrOffsetCommitRequest()
				req.Version, req.Group = 9, id
				req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: offset}}}}
				require.Zero(rt, c.OffsetCommit(context.Background(), req).Topics[0].Partitions[0].ErrorCode)
				model[id] = offset
			}
		}
		c.Close()
		l.step() // the end is a place to crash, too
		for _, k := range cuts {
			replay, err := readOffsets(context.Background(), k.log, slog.New(slog.DiscardHandler))
			require.NoError(rt, err)
			got := make(map[string]int64)
			for id, offsets := range replay.live {
				got[id] = offsets[topicPartition{"a", 0}].offset
			}
			require.Equal(rt, k.want, got)
		}
	})
}
