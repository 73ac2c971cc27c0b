package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/internal/storetime"
)

// stepClock passes at once to where somebody sleeps until.
type stepClock struct {
	mu  sync.Mutex
	now time.Duration // guarded by mu
}

func (c *stepClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stepClock) Sleep(_ context.Context, until time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = max(c.now, until)
	return nil
}

// proxied is a server that answers with size bytes and notes what it is asked,
// and a proxy before it.
func proxied(t *testing.T, service storetime.Service, size int) (*s3Proxy, *stepClock, string, *[]string) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.Host+r.URL.String()+" "+string(body[:min(len(body), 3)]))
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
	}))
	t.Cleanup(server.Close)
	clock := &stepClock{}
	p := newS3Proxy(strings.TrimPrefix(server.URL, "http://"), service, 1, clock)
	front := httptest.NewServer(p.handler())
	t.Cleanup(front.Close)
	t.Cleanup(p.inner.(*http.Transport).CloseIdleConnections)
	return p, clock, front.URL, &asked
}

func ask(t *testing.T, method, url string, body io.Reader) (int, string) {
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// TestS3ProxyTakesTheModelsTime: latency by operation, and bytes at the
// bandwidth of a connection, both ways; what is signed stays as it was.
func TestS3ProxyTakesTheModelsTime(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	const mib = 1 << 20
	ms := time.Millisecond
	p, clock, url, asked := proxied(t, storetime.Service{
		Get: storetime.Latency{P50: 30 * ms, P99: 30 * ms}, Put: storetime.Latency{P50: 60 * ms, P99: 60 * ms}, Bandwidth: 100 * mib,
	}, 5*mib)
	code, body := ask(t, http.MethodGet, url+"/b/key?versionId=1", nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, body, 5*mib)
	require.Equal(t, 80*ms, clock.Now().Round(ms))
	ask(t, http.MethodPut, url+"/b/key", bytes.NewReader(bytes.Repeat([]byte("abc"), 10*mib/3)))
	require.Equal(t, (80+100+60+50)*ms, clock.Now().Round(ms))
	host := strings.TrimPrefix(url, "http://")
	require.Equal(t, []string{"GET " + host + "/b/key?versionId=1 ", "PUT " + host + "/b/key abc"}, *asked)

	w := httptest.NewRecorder()
	p.metrics(w, nil)
	for _, want := range []string{`tide_simulated{model="`, `requests_total{op="read"} 1`, `requests_total{op="write"} 1`, "model_late_total 0"} {
		require.Contains(t, w.Body.String(), want)
	}
}

// TestS3ProxySlowsDown: what is beyond the rate is answered 503, and does not
// reach the server. A listing is no read of an object.
func TestS3ProxySlowsDown(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	p, _, url, asked := proxied(t, storetime.Service{SlowDown: 1}, 1)
	code, body := ask(t, http.MethodGet, url+"/b/?list-type=2", nil)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "<Code>SlowDown</Code>")
	require.Empty(t, *asked)
	require.Equal(t, int64(1), p.refused.Load())
	require.Equal(t, int64(1), p.writes.Load())
}

func TestS3ProxyRefusals(t *testing.T) {
	code, _, errs := invoke("s3-proxy", "--to", "127.0.0.1:1", "--model", "s4")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "s3-express, s3-standard")
	_, out, _ := invoke("--help")
	require.NotContains(t, out, "s3-proxy", "a person does not need it")
}
