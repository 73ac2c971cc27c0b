package wire

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		commits := 0
		lazy := deadline{parent: parent, waits: func() { commits++ }, at: time.Now().Add(time.Second)}
		waited := deadline{parent: parent, waits: func() { commits++ }, at: time.Now().Add(time.Second)}
		require.NoError(t, lazy.Err())
		at, ok := lazy.Deadline()
		require.True(t, ok)
		require.Equal(t, time.Second, time.Until(at))
		<-waited.Done()
		require.Equal(t, time.Duration(0), time.Until(at))
		<-waited.Done()
		require.Equal(t, 1, commits, "once, and not for who never waits")
		for _, d := range []*deadline{&lazy, &waited} {
			require.ErrorIs(t, d.Err(), context.DeadlineExceeded)
			require.ErrorIs(t, context.Cause(d), context.DeadlineExceeded)
			d.stop()
		}
		cancel()
		late := deadline{parent: parent, waits: func() { commits++ }, at: time.Now().Add(time.Second)}
		require.ErrorIs(t, late.Err(), context.Canceled)
		<-late.Done()
		late.stop()
	})
}
