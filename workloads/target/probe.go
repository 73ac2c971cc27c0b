package target

import (
	"context"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// probePoll is how often something that starts is asked whether it serves.
const probePoll = 50 * time.Millisecond

// probe is a ready that asks.
type probe func(ctx context.Context) error

func (probe) line(string) {}

func (p probe) await(ctx context.Context) error {
	tick := time.NewTicker(probePoll)
	defer tick.Stop()
	for {
		if p(ctx) == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listening asks whether somebody accepts connections at addr.
func listening(addr string) probe {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// speaksKafka asks whether a broker at addr answers ApiVersions.
func speaksKafka(addr string) probe {
	return func(ctx context.Context) error {
		if err := listening(addr)(ctx); err != nil { // cheaper than a client
			return err
		}
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DisableClientMetrics(), kgo.RequestRetries(0))
		if err != nil {
			return err
		}
		defer cl.Close()
		return cl.Ping(ctx)
	}
}
