package broker

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
)

// ask the admin port for a fault; it returns the status.
func (r *running) fault(t *testing.T, query string) int {
	defer http.DefaultClient.CloseIdleConnections()
	res, err := http.Post("http://"+r.AdminAddr()+"/store/fault?"+query, "", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}

func TestFaultsOnRequest(t *testing.T) {
	cfg := small(t)
	cfg.FaultInjection = true
	b := start(t, cfg)
	put := func() error { return b.store.Put(t.Context(), "probe", objstore.Body{[]byte("x")}) }
	require.NoError(t, put())
	require.Equal(t, http.StatusOK, b.fault(t, "do=outage"))
	require.ErrorIs(t, put(), fault.ErrInjected)
	require.Equal(t, http.StatusOK, b.fault(t, "do=slow&latency=1us"))
	require.NoError(t, put(), "slow, and no longer failing")
	for _, bad := range []string{"", "do=burn", "do=slow", "do=slow&latency=1h", "do=slow&latency=-1s", "do=none&latency=1s"} {
		require.Equal(t, http.StatusBadRequest, b.fault(t, bad), bad)
	}
	require.Equal(t, http.StatusOK, b.fault(t, "do=outage"))
	b.produce(t, "events", 0, 2000) // the WAL takes it
	require.Equal(t, http.StatusOK, b.fault(t, "do=none"))
	require.NoError(t, b.stop(), "and it is uploaded when the store is back")
}

func TestNoFaultsWithoutTheFlag(t *testing.T) {
	b := start(t, small(t))
	require.Equal(t, http.StatusNotFound, b.fault(t, "do=outage"))
	_, wrapped := objstore.As[*fault.Store](b.store)
	require.False(t, wrapped)
	require.NoError(t, b.stop())
}
