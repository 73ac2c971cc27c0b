package meta

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFollow(t *testing.T) {
	m := NewMachine(LogLimits{Entries: 3})
	apply := func(index uint64, cmd Command) {
		_, err := m.Apply(index, cmd)
		require.NoError(t, err)
	}
	apply(10, RegisterNode{NodeID: 1})
	apply(12, ExpireObjects{}) // changes nothing, and is told all the same
	u, err := m.Follow(t.Context(), 0)
	require.NoError(t, err)
	require.EqualValues(t, 12, u.Index)
	require.Len(t, u.Entries, 1)
	require.EqualValues(t, 10, u.Entries[0].Index)
	u, err = m.Follow(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, Update{Index: 12}, u)

	for i := range uint64(3) {
		apply(20+i, RegisterNode{NodeID: 2})
	}
	u, err = m.Follow(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, u.Entries, 3, "entry 10 has left the log, but who has it needs no image")
	u, err = m.Follow(t.Context(), 9)
	require.NoError(t, err)
	require.Nil(t, u.Entries)
	require.EqualValues(t, 22, u.Image.Index())

	m.Restore(u.Image)
	u, err = m.Follow(t.Context(), 21)
	require.NoError(t, err)
	require.NotNil(t, u.Image, "behind a restored snapshot there are no changes")
}

func TestFollowWaits(t *testing.T) {
	m := NewMachine(LogLimits{})
	got := make(chan Update)
	go func() {
		u, _ := m.Follow(context.Background(), 5) // ahead of the machine, which replays
		got <- u
	}()
	for i := range uint64(6) {
		_, err := m.Apply(i+1, ExpireObjects{})
		require.NoError(t, err)
	}
	require.Equal(t, Update{Index: 6}, <-got)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.Follow(ctx, 6)
	require.ErrorIs(t, err, context.Canceled)
	m.Close()
	_, err = m.Follow(t.Context(), 6)
	require.ErrorIs(t, err, ErrClosed)
}

// TestUpdatesAreBounded: one answer is never the whole log.
func TestUpdatesAreBounded(t *testing.T) {
	m := NewMachine(LogLimits{})
	n := uint64(updateEntries + 5)
	for i := range n {
		_, err := m.Apply(i+1, RegisterNode{NodeID: 1})
		require.NoError(t, err)
	}
	u, err := m.Follow(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, u.Entries, updateEntries)
	require.EqualValues(t, updateEntries, u.Index)
	u, err = m.Follow(t.Context(), u.Index)
	require.NoError(t, err)
	require.Len(t, u.Entries, 5)
	require.Equal(t, n, u.Index)
}

func TestChangeLogIsBoundedByBytes(t *testing.T) {
	l := changeLog{limits: LogLimits{Bytes: 3 * weightOfChange}.withDefaults()}
	for i := range uint64(10) {
		l.add(Entry{Index: i + 1, Changes: []Change{ObjectForgotten{}}})
	}
	require.Len(t, l.entries, 3)
	require.EqualValues(t, 7, l.from)
	require.EqualValues(t, 7, l.dropped)

	big := Entry{Index: 11, Changes: []Change{
		RangeAdded{State: make([]byte, 1000)},
		StreamReplaced{},
		TopicCreated{Topic{Configs: map[string]string{"a": "b"}}},
		NodeChanged{},
		TopicDeleted{},
		PartitionChanged{},
		StreamChanged{},
		ObjectChanged{},
		CountersChanged{},
		ConfigsChanged{},
	}}
	l.add(big)
	require.Equal(t, []Entry{big}, l.entries, "one that is too large is kept alone")
	require.Equal(t, weightOf(big), l.bytes)
}
