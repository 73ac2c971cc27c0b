package raftmeta

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
)

var errDisk = errors.New("no space left on device")

// TestLogLatches is rule 6: the write that failed has reached the disk, the next
// one would succeed, and still nothing is acknowledged any more until a restart
// has read what is there.
func TestLogLatches(t *testing.T) {
	cfg, f := config(t.TempDir()), newFaultStore()
	cfg.wrap = f.wrap
	n := open(t, cfg)
	propose(t, n, topic(1))

	f.fail(errDisk)
	_, err := n.Propose(t.Context(), topic(2))
	require.ErrorIs(t, err, errDisk)
	require.ErrorIs(t, err, ErrLatched)
	f.fail(nil)
	writes := f.count()
	_, err = n.Propose(t.Context(), topic(3))
	require.ErrorIs(t, err, ErrLatched)
	_, err = n.Barrier(t.Context())
	require.ErrorIs(t, err, ErrLatched)
	require.ErrorIs(t, <-n.Failed(), errDisk)
	require.NoError(t, n.Close())
	require.Equal(t, writes, f.count(), "nothing was written after the failure")

	cfg.wrap = nil
	n = open(t, cfg)
	require.Len(t, n.machine.Image().Topics(), 2, "topic 2 was on the disk: its outcome had been left open")
	propose(t, n, topic(2), topic(3))
}

// TestTermCannotBeSaved: raft would panic. The third SetUint64 of a node's life
// is its first election's; before that, Open itself is told.
func TestTermCannotBeSaved(t *testing.T) {
	for _, call := range []int{1, 2, 3} {
		cfg, f := config(t.TempDir()), newFaultStore()
		cfg.wrap = f.wrap
		f.setErr = func(n int) error {
			if n == call {
				return errDisk
			}
			return nil
		}
		_, err := Open(cfg)
		require.ErrorIs(t, err, ErrLatched, "call %d", call)
		require.ErrorContains(t, err, errDisk.Error())
	}
}

type memStore struct{ *raft.InmemStore }

func (memStore) Close() error { return nil }

func TestLatch(t *testing.T) {
	var reported []error
	f := newFaultStore()
	f.wrap(memStore{raft.NewInmemStore()})
	l := newLatch(f, func(err error) { reported = append(reported, err) })
	require.NoError(t, l.StoreLog(&raft.Log{Index: 1}))
	require.NoError(t, l.Set([]byte("k"), []byte("v")))
	f.fail(errDisk)
	first := l.StoreLogs([]*raft.Log{{Index: 2}})
	require.ErrorIs(t, first, errDisk)
	f.fail(nil)
	for name, err := range map[string]error{
		"StoreLog":    l.StoreLog(&raft.Log{Index: 3}),
		"StoreLogs":   l.StoreLogs([]*raft.Log{{Index: 3}}),
		"DeleteRange": l.DeleteRange(1, 1),
		"Set":         l.Set([]byte("k"), []byte("w")),
		"SetUint64":   l.SetUint64([]byte("k"), 1),
	} {
		require.Equal(t, first, err, name)
	}
	require.Equal(t, []error{first}, reported, "once")
	var log raft.Log
	require.NoError(t, l.GetLog(1, &log), "reads go on")
}

// TestStall: a disk that hangs returns no error; the watchdog speaks instead.
func TestStall(t *testing.T) {
	cfg, f := config(t.TempDir()), newFaultStore()
	cfg.wrap = f.wrap
	n := open(t, cfg)
	n.cfg.StallTimeout = time.Millisecond
	release := f.hold()
	defer release()
	got := make(chan error, 1)
	go func() {
		_, err := n.Propose(t.Context(), topic(1))
		got <- err
	}()
	<-f.entered
	require.ErrorIs(t, <-n.Failed(), ErrStalled)
	require.ErrorIs(t, <-got, ErrStalled, "the proposal is answered though raft still hangs")
	release()
	require.NoError(t, n.Close())
}

// TestUnreadableEntry: an entry from a newer version is not passed over.
func TestUnreadableEntry(t *testing.T) {
	cfg := config(t.TempDir())
	n := open(t, cfg)
	propose(t, n, topic(1))
	data, err := encodeEntry(topic(2))
	require.NoError(t, err)
	future := append([]byte(nil), data[crcSize:]...)
	copy(future[9:], "Xreate") // {"type":"Xreate…
	f := n.raft.Apply(withCRC(future), 0)
	require.NoError(t, f.Error())
	require.ErrorIs(t, f.Response().(answer).err, meta.ErrDecode)
	require.ErrorIs(t, <-n.Failed(), meta.ErrDecode)
	_, err = n.Propose(t.Context(), topic(3))
	require.ErrorIs(t, err, meta.ErrDecode)
	require.NoError(t, n.Close())

	_, err = Open(cfg)
	require.ErrorIs(t, err, meta.ErrDecode)
	require.ErrorContains(t, err, "log entry")
}
