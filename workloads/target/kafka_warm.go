package target

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What warms the way of a late reader: enough for the JVM's compiler to be done
// with it, and no more than a fraction of a back-log.
const (
	warmBytes = 256 << 20
	warmTime  = 15 * time.Second
)

// Warm reads the beginning of the topics once.
func (k *kafka) Warm(ctx context.Context, stem string) error {
	limited, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.DisableClientMetrics(), kgo.FetchMaxBytes(16<<20), kgo.MaxConcurrentFetches(1))
	if err != nil {
		return err
	}
	defer cl.Close()
	left, err := addAll(limited, cl, stem)
	for bytes := 0; err == nil && left > 0 && bytes < warmBytes; {
		fetches := cl.PollFetches(limited) // it retries by itself what a broker says in passing
		err = limited.Err()
		fetches.EachRecord(func(r *kgo.Record) {
			bytes += len(r.Value)
			left--
		})
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil // that is what it had time for
	}
	return err
}

// addAll has the client read every partition of the topics from its start, and
// returns how many offsets that are.
func addAll(ctx context.Context, cl *kgo.Client, stem string) (int64, error) {
	starts, ends, err := bounds(ctx, kadm.NewClient(cl), stem)
	if err != nil {
		return 0, err
	}
	var n int64
	from := map[string]map[int32]kgo.Offset{}
	starts.Each(func(o kadm.ListedOffset) {
		end, _ := ends.Lookup(o.Topic, o.Partition)
		n += max(0, end.Offset-o.Offset)
		if from[o.Topic] == nil {
			from[o.Topic] = map[int32]kgo.Offset{}
		}
		from[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset)
	})
	cl.AddConsumePartitions(from)
	return n, nil
}
