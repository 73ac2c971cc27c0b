package itest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// trouble is a proxy before an S3 server, and what it does to the traffic.
type trouble struct {
	addr    string // of the proxy
	on, off func()
}

// toxic is trouble made by toxiproxy: toxics in its JSON.
func toxic(t *testing.T, upstream string, toxics ...string) trouble {
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "s3", "127.0.0.1:0", upstream)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return trouble{
		addr: p.Listen,
		on: func() {
			for _, text := range toxics {
				_, err := p.Toxics.AddToxicJson(strings.NewReader(text))
				require.NoError(t, err)
			}
		},
		off: func() { p.Toxics.ResetToxics(t.Context()) },
	}
}

// dead refuses connections, and breaks those that are open.
func dead(t *testing.T, upstream string) trouble {
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "s3", "127.0.0.1:0", upstream)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return trouble{addr: p.Listen, on: p.Stop, off: func() { require.NoError(t, p.Start()) }}
}

// slowDown answers every request with 503, as S3 does beyond its rates.
func slowDown(t *testing.T, upstream string) trouble {
	target := &url.URL{Scheme: "http", Host: upstream}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	through := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
	}
	var busy atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !busy.Load() {
			through.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
	}))
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	return trouble{addr: strings.TrimPrefix(server.URL, "http://"), on: func() { busy.Store(true) }, off: func() { busy.Store(false) }}
}
