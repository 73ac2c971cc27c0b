package s3_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/s3"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

// The benchmarks read benchObjects of benchSize, in ranges, with so many
// readers at a time.
const (
	benchObjects = 8
	benchSize    = 64 * mib
)

// BenchmarkGetRange reads 512 MiB an iteration from the server of TIDE_S3_URL,
// as scripts/s3/serve prints it, or else from the fake: with our store, and
// with a bare SDK client that reads into a buffer. CPU is this process's.
func BenchmarkGetRange(b *testing.B) {
	spec := benchSpec(b)
	s, dial := benchStore(b, spec)
	fill(b, s)
	bare := bareClient(b, spec, dial)
	for _, size := range []int{1 * mib, 4 * mib} {
		for _, readers := range []int{4, 16} {
			for _, r := range []struct {
				name string
				get  func(key string, pos int64, p []byte) error
			}{
				{"tide", func(key string, pos int64, p []byte) error { return s.GetRange(b.Context(), key, pos, p) }},
				{"bare-sdk", func(key string, pos int64, p []byte) error {
					return bareGet(b.Context(), bare, spec, key, pos, p)
				}},
			} {
				b.Run(fmt.Sprintf("range=%dMiB/readers=%d/reader=%s", size/mib, readers, r.name), func(b *testing.B) {
					scan(b, size, readers, r.get)
				})
			}
		}
	}
}

// scan reads every object once an iteration.
func scan(b *testing.B, size, readers int, get func(string, int64, []byte) error) {
	b.SetBytes(benchObjects * benchSize)
	cpu := cpuTime()
	for b.Loop() {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				p := make([]byte, size)
				for {
					pos := next.Add(int64(size)) - int64(size)
					if pos >= benchObjects*benchSize {
						return
					}
					if err := get(fmt.Sprint("bench/", pos/benchSize), pos%benchSize, p); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	gib := float64(b.N) * benchObjects * benchSize / (1 << 30)
	b.ReportMetric((cpuTime()-cpu).Seconds()/gib, "cpu-s/GiB")
}

// BenchmarkPut puts 64 MiB an iteration, whole and in parts.
func BenchmarkPut(b *testing.B) {
	s, _ := benchStore(b, benchSpec(b))
	all := objstore.Body{storetest.Content(64*mib, 1)}
	for name, size := range map[string]int64{"whole": 32 * mib, "parts": 64 * mib} {
		b.Run("how="+name, func(b *testing.B) {
			b.SetBytes(64 * mib)
			cpu := cpuTime()
			for b.Loop() {
				for pos := int64(0); pos < 64*mib; pos += size {
					require.NoError(b, s.Put(b.Context(), "bench/put", all.Section(pos, size)))
					require.NoError(b, s.Delete(b.Context(), "bench/put"))
				}
			}
			b.ReportMetric((cpuTime()-cpu).Seconds()/(float64(b.N)/16), "cpu-s/GiB")
		})
	}
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchSpec(b *testing.B) objstore.Spec {
	text := os.Getenv("TIDE_S3_URL")
	if text == "" {
		text = "s3://bucket?endpoint=http://fake:1&path_style=true"
	}
	spec, err := objstore.ParseURL(text)
	require.NoError(b, err)
	return spec
}

func benchConfig(b *testing.B, spec objstore.Spec) s3.Config {
	cfg := s3.Config{Bucket: spec.Bucket, Prefix: spec.Prefix, Endpoint: spec.Endpoint, Region: spec.Region, PathStyle: spec.PathStyle, Part: spec.Part}
	if os.Getenv("TIDE_S3_URL") == "" {
		f := newFake()
		cfg.Dial = f.dial
		b.Setenv("AWS_ACCESS_KEY_ID", "key")
		b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		b.Cleanup(func() { require.NoError(b, f.server.Close()) })
	}
	return cfg
}

// benchStore also returns how it reaches the server, for the bare client.
func benchStore(b *testing.B, spec objstore.Spec) (*s3.Store, dialer) {
	cfg := benchConfig(b, spec)
	s, err := s3.Open(b.Context(), cfg)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s, cfg.Dial
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

func fill(b *testing.B, s *s3.Store) {
	for i := range benchObjects {
		require.NoError(b, s.Put(b.Context(), fmt.Sprint("bench/", i), body(benchSize, i)))
	}
}

// bareClient is the SDK with a pool of connections and nothing else of ours.
func bareClient(b *testing.B, spec objstore.Spec, dial dialer) *awss3.Client {
	base, err := config.LoadDefaultConfig(b.Context(), config.WithRegion("us-east-1"))
	require.NoError(b, err)
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: dial}
	b.Cleanup(tr.CloseIdleConnections)
	return awss3.NewFromConfig(base, func(o *awss3.Options) {
		o.UsePathStyle, o.HTTPClient = spec.PathStyle, &http.Client{Transport: tr}
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if spec.Endpoint != "" {
			o.BaseEndpoint = &spec.Endpoint
		}
	})
}

func bareGet(ctx context.Context, c *awss3.Client, spec objstore.Spec, key string, pos int64, p []byte) error {
	if spec.Prefix != "" {
		key = spec.Prefix + "/" + key
	}
	out, err := c.GetObject(ctx, &awss3.GetObjectInput{
		Bucket: &spec.Bucket, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", pos, pos+int64(len(p))-1)),
	})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	_, err = io.ReadFull(out.Body, p)
	return err
}
