package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/objstore/model"
	"github.com/tidelog/tide/internal/storetime"
)

func init() {
	registerHidden("s3-proxy", "Let S3's time pass before an S3 server on this machine, for tide bench.", &s3ProxyCmd{})
}

// s3ProxyCmd is `tide s3-proxy`: the store's model as a process before a real
// server, so that two systems that are compared meet the very same one.
//
//	client ──▶ [503?] ──▶ server ‖ body ÷ bandwidth, then latency ──▶ answer at bandwidth
type s3ProxyCmd struct {
	To     string `required:"" help:"HOST:PORT of the server." placeholder:"HOST:PORT"`
	Model  string `required:"" help:"s3-standard or s3-express." placeholder:"NAME"`
	Listen string `help:"Where to serve. Default a free port of loopback." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Seed   uint64 `help:"Of what is random. Default 1." default:"1" placeholder:"N"`
}

// Run serves until SIGINT or SIGTERM.
func (c *s3ProxyCmd) Run(ctx context.Context, std *stdio) error {
	service, err := storetime.Preset(c.Model)
	if err != nil {
		return usageError{err}
	}
	p := newS3Proxy(c.To, service, c.Seed, model.NewClock())
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	admin, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(std.out, "ready s3=%s admin=%s\n", l.Addr(), admin.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", p.metrics)
	return serveAll(ctx, map[net.Listener]http.Handler{l: p.handler(), admin: mux})
}

// serveAll serves until ctx ends.
func serveAll(ctx context.Context, all map[net.Listener]http.Handler) error {
	g, ctx := errgroup.WithContext(ctx)
	for l, h := range all {
		s := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}
		g.Go(func() error { return s.Serve(l) })
		context.AfterFunc(ctx, func() { s.Close() })
	}
	if err := g.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// s3Proxy is the transport of a reverse proxy, with the model's time in it.
type s3Proxy struct {
	service storetime.Service
	seed    uint64
	clock   model.Clock
	to      *url.URL
	inner   http.RoundTripper

	mu    sync.Mutex
	queue *storetime.Queue // guarded by mu

	reads, writes, refused, late atomic.Int64
}

func newS3Proxy(to string, service storetime.Service, seed uint64, clock model.Clock) *s3Proxy {
	inner := http.DefaultTransport.(*http.Transport).Clone()
	inner.DisableCompression = true
	inner.MaxIdleConnsPerHost = 256 // every client connection has one behind it
	return &s3Proxy{
		service: service, seed: seed, clock: clock, queue: storetime.NewQueue(service, seed),
		to: &url.URL{Scheme: "http", Host: to}, inner: inner,
	}
}

func (p *s3Proxy) handler() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(p.to)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport:  p,
		BufferPool: buffers{},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
}

// RoundTrip implements http.RoundTripper.
func (p *s3Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	start := p.clock.Now()
	first, served := p.arrive(start, r)
	if !served {
		p.refused.Add(1)
		if err := p.clock.Sleep(r.Context(), start+first); err != nil {
			return nil, err
		}
		return slowDown(r), nil
	}
	due := start + p.service.Transfer(max(0, r.ContentLength)) + first
	resp, err := p.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if p.clock.Now() > due {
		p.late.Add(1)
	}
	if err := p.clock.Sleep(r.Context(), due); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	resp.Body = &pacedBody{ReadCloser: resp.Body, ctx: r.Context(), p: p, from: due}
	return resp, nil
}

// arrive asks the queue. A listing is a GET of a bucket, and counts as what is
// no read of an object, as in the model around a store.
func (p *s3Proxy) arrive(now time.Duration, r *http.Request) (time.Duration, bool) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	kind, count := storetime.Write, &p.writes
	if key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		kind, count = storetime.Read, &p.reads
	}
	count.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Arrive(now, kind, key)
}

// slowDown is S3's answer beyond a prefix's rate.
func slowDown(r *http.Request) *http.Response {
	const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`
	return &http.Response{
		StatusCode: http.StatusServiceUnavailable, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/xml"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

// pace is how much of a body goes at once, bytes: 3 ms at 80 MiB/s.
const pace = 256 << 10

// pacedBody lets the body through at the bandwidth of one connection.
type pacedBody struct {
	io.ReadCloser
	ctx  context.Context
	p    *s3Proxy
	from time.Duration
	sent int64
}

func (b *pacedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into[:min(len(into), pace)])
	b.sent += int64(n)
	if n > 0 {
		if slept := b.p.clock.Sleep(b.ctx, b.from+b.p.service.Transfer(b.sent)); slept != nil {
			return 0, slept
		}
	}
	return n, err
}

// buffers lends what bodies are copied through.
type buffers struct{}

var bufferPool = sync.Pool{New: func() any { b := make([]byte, pace); return &b }}

func (buffers) Get() []byte  { return *bufferPool.Get().(*[]byte) }
func (buffers) Put(b []byte) { bufferPool.Put(&b) }

// metrics say what is simulated, and what came of it.
func (p *s3Proxy) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE tide_simulated gauge\ntide_simulated{model=%q,part=\"store\"} 1\n",
		fmt.Sprintf("%s, seed %d, in a proxy before the server", p.service, p.seed))
	fmt.Fprintf(w, "# TYPE tide_s3proxy_requests_total counter\ntide_s3proxy_requests_total{op=\"read\"} %d\ntide_s3proxy_requests_total{op=\"write\"} %d\n",
		p.reads.Load(), p.writes.Load())
	fmt.Fprintf(w, "# TYPE tide_s3proxy_throttles_total counter\ntide_s3proxy_throttles_total %d\n", p.refused.Load())
	fmt.Fprintf(w, "# TYPE tide_objstore_model_late_total counter\ntide_objstore_model_late_total %d\n", p.late.Load())
}
