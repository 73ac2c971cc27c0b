package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/fault"
	"github.com/tidelog/tide/iopath/mem"
)

// What a crash test records beside the device's writes, on one line of time.
// Something that has begun and not ended at the cut may have happened or not.
type (
	acked    struct{ stream, end int64 }
	putBegun struct{ key string }
	putDone  struct{ key string }
	cmdBegun struct{ cmd meta.Command }
	cmdDone  struct{}
)

// recordedStore puts the puts on the line of time and keeps all bytes.
type recordedStore struct {
	objstore.Store
	line *fault.Recorder
}

func (s recordedStore) Put(ctx context.Context, key string, body objstore.Body) error {
	s.line.Mark(putBegun{key})
	if err := s.Store.Put(ctx, key, body); err != nil {
		return err
	}
	s.line.Mark(putDone{key})
	return nil
}

// recordedQuorum puts the commands on the line of time, one after the other.
type recordedQuorum struct {
	meta.Controller
	mu   *sync.Mutex
	line *fault.Recorder
}

func (q recordedQuorum) Propose(ctx context.Context, cmd meta.Command) (meta.Result, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.line.Mark(cmdBegun{cmd})
	res, err := q.Controller.Propose(ctx, cmd)
	q.line.Mark(cmdDone{})
	return res, err
}

// past is what the marks before a cut say has happened.
type past struct {
	acked    map[int64]int64 // by stream: everything before it was acknowledged
	commands []meta.Command
	objects  map[string]bool
}

// replay decides by chance what was under way at the cut.
func replay(marks []any, rnd *rand.Rand) past {
	p := past{acked: map[int64]int64{}, objects: map[string]bool{}}
	begun := map[string]bool{}
	var open meta.Command
	for _, m := range marks {
		switch m := m.(type) {
		case acked:
			p.acked[m.stream] = max(p.acked[m.stream], m.end)
		case putBegun:
			begun[m.key] = true
		case putDone:
			p.objects[m.key] = true
		case cmdBegun:
			open = m.cmd
		case cmdDone:
			p.commands, open = append(p.commands, open), nil
		}
	}
	if open != nil && rnd.IntN(2) == 0 {
		p.commands = append(p.commands, open)
	}
	for key := range begun {
		p.objects[key] = p.objects[key] || rnd.IntN(2) == 0
	}
	return p
}

// restore makes the rig of a life after the crash.
func (p past) restore(t *testing.T, image []byte, all objstore.Store, streams []int64) *rig {
	ctx := context.Background()
	quorum, store := meta.NewLocal(), memstore.New()
	for _, c := range p.commands {
		_, _ = quorum.Propose(ctx, c) // a refusal then is a refusal now
	}
	for key, there := range p.objects {
		info, err := all.Head(ctx, key)
		if !there || errors.Is(err, objstore.ErrNotFound) {
			continue
		}
		data := make([]byte, info.Size)
		require.NoError(t, all.GetRange(ctx, key, 0, data))
		require.NoError(t, store.Put(ctx, key, objstore.Body{data}))
	}
	return &rig{t: t, device: mem.NewDeviceFrom(bytes.Clone(image)), store: store, quorum: quorum, streams: streams, tune: small}
}

const (
	crashCapacity = 512 << 10
	crashPayload  = 900
)

// small makes a life turn the ring over and upload often.
func small(c *Config) {
	c.UploadThreshold = 32 << 10
	c.WAL.WindowInitial, c.WAL.WindowStep, c.WAL.WindowLimit = 32<<10, 32<<10, 128<<10
	c.WAL.BlockSoft, c.WAL.BlockHard = 8<<10, 16<<10
}

// TestEveryCrashKeepsWhatWasAcknowledged records a run that laps the ring,
// uploads, trims and restarts in the middle; then it opens the broker on what a
// power cut at each of many moments could have left: any 4 KiB blocks of the
// writes in flight, any put and any command that was under way. Every
// acknowledged record must be there, in order, and every batch is there whole
// or not at all, and folded into the partition state exactly once.
func TestEveryCrashKeepsWhatWasAcknowledged(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := newRig(t, 2)
	r.device, r.depth, r.tune = mem.NewDevice(crashCapacity), 4, small
	line := fault.NewRecorder(r.device.Bytes())
	all := r.store
	r.store = recordedStore{all, line}
	// The rig's own first commands are part of every past.
	r.quorum = &recordedQuorum{Controller: meta.NewLocal(), mu: new(sync.Mutex), line: line}
	bootstrap(t, r)
	r.wrap = func(p iopath.Path) iopath.Path {
		return fault.Wrap(p, fault.Config{Recorder: line, Reorder: true, Rand: rand.New(rand.NewPCG(seed, 2))})
	}
	for range 2 {
		recordLife(r, line, rnd, 500)
	}
	crashes := 0
	err := line.CrashImages(fault.CrashOptions{Rand: rnd, PerCut: 3, Cuts: 120}, func(c fault.Crash) error {
		crashes++
		p := replay(c.Marks, rnd)
		return check(p.restore(t, c.Image, all, r.streams), p)
	})
	require.NoError(t, err)
	require.Greater(t, crashes, 120)
}

// bootstrap gives a rig's new quorum the topic again.
func bootstrap(t *testing.T, r *rig) {
	ctx := context.Background()
	_, err := r.quorum.Propose(ctx, meta.RegisterNode{NodeID: 1, Advertise: "127.0.0.1:1"})
	require.NoError(t, err)
	res, err := r.quorum.Propose(ctx, meta.CreateTopic{Name: "t", ID: [16]byte{1}, Partitions: 2, Replication: 1, Leaders: leaders(2)})
	require.NoError(t, err)
	for i, p := range res.Topic.Partitions {
		require.Equal(t, r.streams[i], p.StreamID)
	}
}

// recordLife appends to both streams for a while, in commits of a few batches,
// and ends without a clean close.
func recordLife(r *rig, line *fault.Recorder, rnd *rand.Rand, batches int) {
	l := r.open()
	defer l.end()
	var left sync.WaitGroup
	for range batches {
		s := l.stream(rnd.IntN(2))
		base := s.Next()
		left.Add(1)
		err := s.Append(context.Background(), batch(s, base, crashPayload), func(err error) {
			if err == nil {
				line.Mark(acked{s.id, base + 1})
			}
			left.Done()
		})
		require.NoError(r.t, err)
		if rnd.IntN(3) == 0 {
			l.Commit()
		}
	}
	l.Commit()
	left.Wait()
}

// check opens a life on the rig and compares it with what was acknowledged.
func check(r *rig, p past) error {
	l, err := r.tryOpen(context.Background())
	if err != nil {
		return err
	}
	defer l.end()
	for _, id := range r.streams {
		s, err := l.OpenStream(context.Background(), id)
		if errors.Is(err, meta.ErrUnknownStream) && p.acked[id] == 0 {
			continue // the cut came before the topic was there
		}
		if err != nil {
			return err
		}
		if s.End() < p.acked[id] {
			return fmt.Errorf("stream %d: ends at %d, %d was acknowledged", id, s.End(), p.acked[id])
		}
		l.verify(s, 0, s.End(), crashPayload)
		known, _ := l.replica.Stream(id)
		if n := len(known.State); s.End() > 0 && (n != 8 || int64(binary.BigEndian.Uint64(known.State)) != s.End()) {
			return fmt.Errorf("stream %d: ends at %d, its state says %x", id, s.End(), known.State)
		}
	}
	return nil
}

// TestCrashOfTheObjectDirectory ends lives by a crash of the file system under
// the store, which takes away every name that was not fsynced, and of the
// process with it.
func TestCrashOfTheObjectDirectory(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := newRig(t, 2)
	r.tune = small
	root := t.TempDir()
	p := past{acked: map[int64]int64{}}
	for range 12 {
		fs := dir.NewCrashFS()
		store, err := dir.Open(dir.Config{Root: root, FS: fs, Logger: quiet})
		require.NoError(t, err)
		r.store = store
		require.NoError(t, check(r, p))
		l := r.open()
		for range 50 + rnd.IntN(300) {
			s := l.stream(rnd.IntN(2))
			l.mustAdd(s, 1, crashPayload)
			p.acked[s.id] = s.End()
		}
		require.NoError(t, fs.Crash(func(string) bool { return rnd.IntN(2) == 0 }))
		l.end()
		require.NoError(t, store.Close())
	}
}

// TestFailedWriteLatches: rule 6. What was in flight fails, nothing more is
// taken, and what was acknowledged before is there after a restart.
func TestFailedWriteLatches(t *testing.T) {
	r := newRig(t, 1)
	var path *fault.Path
	r.wrap = func(p iopath.Path) iopath.Path {
		path = fault.Wrap(p, fault.Config{})
		return path
	}
	l := r.open()
	s := l.stream(0)
	l.mustAdd(s, 20, 900)
	path.Inject(fault.Rule{Kind: fault.Error, Match: func(pos int64, _ int) bool { return pos >= 8192 }})
	done, err := s.add(context.Background(), 1, 900)
	require.NoError(t, err)
	l.Commit()
	require.ErrorIs(t, <-done, ErrFailed)
	require.ErrorIs(t, <-l.Failed(), wal.ErrLatched)
	path.ClearRules()
	_, err = s.add(context.Background(), 1, 900)
	require.ErrorIs(t, err, ErrFailed)
	require.EqualValues(t, 20, s.End())
	l.verify(s, 0, 20, 900) // reading goes on
	l.end()
	r.wrap = nil
	l = r.open()
	defer l.close()
	l.verify(l.stream(0), 0, 20, 900)
}
