package objstore_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := objstore.Limit{PerSecond: 1000}
		began := time.Now()
		for range 10 {
			require.NoError(t, p.Wait(t.Context(), 100))
		}
		require.Equal(t, 900*time.Millisecond, time.Since(began), "the last bytes may go at once")
		time.Sleep(time.Hour) // synctest's clock: no burst makes up for it
		began = time.Now()
		require.NoError(t, p.Wait(t.Context(), 1000))
		require.NoError(t, p.Wait(t.Context(), 1))
		require.Equal(t, time.Second, time.Since(began))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Wait(ended, 1), context.Canceled)
		none := objstore.Limit{}
		require.NoError(t, none.Wait(t.Context(), 1<<30))
	})
}
