package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tidelog/tide/internal/units"
)

// Config of a Store. Zero values mean the defaults.
type Config struct {
	// Bucket, required, and Prefix, put before every key with a slash.
	Bucket, Prefix string
	// Endpoint is the URL of the server. Default: AWS's for the region.
	Endpoint string
	// Region. Default: the environment's or the profile's; with an Endpoint,
	// failing these, us-east-1.
	Region string
	// PathStyle puts the bucket into the path instead of the host name.
	PathStyle bool

	// Part is the size of a part in bytes, from 5 MiB to 1 GiB, and the size
	// above which an object is put in parts. Default 32 MiB. An object of more
	// than 10,000 parts gets larger ones.
	Part int64
	// PartsInFlight is how many parts of one object travel at a time. Default 4.
	PartsInFlight int
	// Reads and Writes are how many requests of either kind are in flight; more
	// wait, by their class. Defaults 64 and 16.
	Reads, Writes int
	// Deadline ends a call with all its attempts. Default 60 s. Time spent
	// waiting for a pacer does not count.
	Deadline time.Duration
	// Stall ends an attempt in which no byte has moved for so long; the SDK
	// repeats it. Default 10 s, at most Deadline.
	Stall time.Duration
	// Attempts at one request, the first included. Default 5.
	Attempts int
	// RetryMax bounds the wait between attempts, which grows at random. Default
	// 5 s.
	RetryMax time.Duration

	// Credentials. Default: the SDK's chain of environment, profile, and the
	// role of the container or the instance.
	Credentials aws.CredentialsProvider
	// Dial makes connections. Default net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger is told of uploads that could not be aborted. Default slog's.
	Logger *slog.Logger
}

const (
	minPart  = 5 << 20 // S3's own bound, for all parts but the last
	maxPart  = 1 << 30
	maxParts = 10_000 // S3's own bound
)

func (c Config) withDefaults() Config {
	def(&c.Part, 32<<20)
	def(&c.PartsInFlight, 4)
	def(&c.Reads, 64)
	def(&c.Writes, 16)
	def(&c.Deadline, 60*time.Second)
	def(&c.Stall, min(10*time.Second, c.Deadline))
	def(&c.Attempts, 5)
	def(&c.RetryMax, 5*time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("s3: "+format, args...))
		}
	}
	check(c.Bucket != "", "no bucket")
	check(c.Part >= minPart && c.Part <= maxPart, "part of %s: from 5 MiB to 1 GiB", units.Size(c.Part))
	check(c.PartsInFlight >= 1 && c.PartsInFlight <= 64, "%d parts in flight: from 1 to 64", c.PartsInFlight)
	check(c.Reads >= 1 && c.Reads <= 4096, "%d reads in flight: from 1 to 4096", c.Reads)
	check(c.Writes >= 1 && c.Writes <= 4096, "%d writes in flight: from 1 to 4096", c.Writes)
	check(c.Deadline >= 10*time.Millisecond, "deadline %v: at least 10ms", c.Deadline)
	check(c.Stall > 0 && c.Stall <= c.Deadline, "stall %v: above 0, at most the deadline of %v", c.Stall, c.Deadline)
	check(c.Attempts >= 1 && c.Attempts <= 100, "%d attempts: from 1 to 100", c.Attempts)
	check(c.RetryMax > 0, "wait of %v between attempts: above 0", c.RetryMax)
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		check(err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"),
			"endpoint %q: want http://HOST:PORT or https://HOST", c.Endpoint)
	}
	return errors.Join(faults...)
}
