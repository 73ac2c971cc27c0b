package partition

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"
)

// TestSequences runs the transcripts of testdata/sequences. Commands:
//
//	append pid=N epoch=N seq=N n=N    one batch; not durable yet
//	settle [n=N] [fail]               fate of the oldest appends in flight
//	wait d=DURATION                   the clock goes on
//	reopen                            a new broker, from the fold of what is durable
//	state                             what is remembered of producers
func TestSequences(t *testing.T) {
	datadriven.Walk(t, "testdata/sequences", func(t *testing.T, path string) {
		s := newScript(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			s.run(t, d)
			return s.out.String()
		})
	})
}

// script is one partition under a transcript.
type script struct {
	now time.Time
	log *memLog
	p   *Partition
	out strings.Builder
	n   int
}

func newScript(t *testing.T) *script {
	s := &script{now: time.Unix(1000, 0), log: &memLog{id: 1, epoch: 1}}
	s.open(t)
	return s
}

func (s *script) open(t *testing.T) {
	s.p = opened(t, s.log, func(c *Config, _ *Options) { c.Clock = func() time.Time { return s.now } })
}

func (s *script) run(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "append":
		s.append(t, d)
	case "settle":
		n := 1
		d.MaybeScanArgs(t, "n", &n)
		var err error
		if d.HasArg("fail") {
			err = errors.New("WAL latched")
		}
		s.log.settle(n, err)
	case "wait":
		var arg string
		d.ScanArgs(t, "d", &arg)
		dur, err := time.ParseDuration(arg)
		require.NoError(t, err)
		s.now = s.now.Add(dur)
	case "reopen":
		l := s.log
		record := l.fold(t, l.snapshot, 0, l.end)
		s.log = &memLog{id: 1, epoch: l.epoch + 1, snapshot: record, next: l.end, end: l.end}
		s.open(t)
	case "state":
		s.p.state.producers.each(func(p *producer) {
			fmt.Fprintf(&s.out, "pid %d epoch %d:", p.id, p.epoch)
			for _, b := range p.batches[:p.n] {
				fmt.Fprintf(&s.out, " %d–%d@%d", b.first, b.last, b.base)
			}
			fmt.Fprintln(&s.out)
		})
	}
}

func (s *script) append(t *testing.T, d *datadriven.TestData) {
	var pid, epoch, seq int64
	n := 1
	d.ScanArgs(t, "pid", &pid)
	d.ScanArgs(t, "epoch", &epoch)
	d.ScanArgs(t, "seq", &seq)
	d.MaybeScanArgs(t, "n", &n)
	s.n++
	id := s.n
	before := s.log.next
	err := s.p.Append(context.Background(), from(pid, int16(epoch), int32(seq), n).build(t), func(r AppendResult) {
		if r.Err != nil {
			fmt.Fprintf(&s.out, "#%d failed: %s\n", id, code(r.Err))
			return
		}
		fmt.Fprintf(&s.out, "#%d durable at %d\n", id, r.BaseOffset)
	})
	switch {
	case err != nil:
		fmt.Fprintf(&s.out, "#%d refused: %s\n", id, code(err))
	case s.log.next > before:
		fmt.Fprintf(&s.out, "#%d appended at %d\n", id, before)
	default:
		fmt.Fprintf(&s.out, "#%d duplicate\n", id)
	}
}

// code is the name of the Kafka error that err wraps.
func code(err error) string {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// TestFoldEqualsLive: at every durable end, the uploader's fold, however it is
// cut into uploads, is byte for byte the state that the partition had there,
// and a partition opened from it decides as the old one does.
func TestFoldEqualsLive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &memLog{id: 1, epoch: 1, auto: true}
		p := opened(t, l)
		var uploaded int64
		var record []byte
		for range rapid.IntRange(1, 60).Draw(rt, "batches") {
			d := from(int64(rapid.IntRange(-1, 3).Draw(rt, "pid")), int16(rapid.IntRange(0, 2).Draw(rt, "epoch")), 0, rapid.IntRange(1, 3).Draw(rt, "n"))
			if rapid.IntRange(0, 9).Draw(rt, "guess") > 0 {
				d.seq = nextSequence(p, d.pid)
			} else {
				d.seq = rapid.SampledFrom([]int32{0, 1, 5, math.MaxInt32 - 1}).Draw(rt, "seq")
			}
			_ = p.Append(context.Background(), d.build(t), func(AppendResult) {}) // refusals are part of it
			if rapid.IntRange(0, 4).Draw(rt, "upload") == 0 {
				record = l.fold(t, record, uploaded, l.end)
				uploaded = l.end
			}
		}
		record = l.fold(t, record, uploaded, l.end)
		if l.end > 0 {
			require.Equal(t, p.state.Encode(), record)
		}
		again := opened(t, &memLog{id: 1, epoch: 1, snapshot: record, next: l.end, end: l.end})
		for pid := range int64(4) {
			for _, seq := range []int32{0, 1, nextSequence(p, pid), math.MaxInt32} {
				for epoch := range int16(3) {
					h := Header{ProducerID: pid, ProducerEpoch: epoch, BaseSequence: seq, Count: 1}
					want, wantErr := p.state.producers.check(h)
					got, gotErr := again.state.producers.check(h)
					require.Equal(t, want, got)
					require.Equal(t, wantErr, gotErr)
				}
			}
		}
	})
}

func nextSequence(p *Partition, pid int64) int32 {
	if pr := p.state.producers.byID[pid]; pr != nil {
		return addSequence(pr.last().last, 1)
	}
	return 0
}

// TestProducersAreBounded: beyond the bound the longest silent is forgotten,
// in the fold as in the partition, and the record still decodes.
func TestProducersAreBounded(t *testing.T) {
	s := newFoldState()
	for i := range int64(maxProducers + 10) {
		s.advance(Header{ProducerID: i, BaseOffset: i, Count: 1}, 0)
	}
	require.Len(t, s.producers.byID, maxProducers)
	require.EqualValues(t, 10, s.producers.forgotten)
	require.Nil(t, s.producers.byID[9])
	require.NotNil(t, s.producers.byID[10])
	again, err := loadState(s.Encode())
	require.NoError(t, err)
	require.Equal(t, s.Encode(), again.Encode())
	require.Less(t, len(s.Encode()), 32*maxProducers)
}
