package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Settle has nothing to wait for: the local log is where a late reader reads.
func (k *kafka) Settle(context.Context, string) error { return nil }

// Forget has nothing to do: the page cache is Kafka's only one, and whoever
// wants it cold drops it.
func (k *kafka) Forget(context.Context) error { return nil }

// ForgetsInPlace is part of ColdInPlace.
func (k *kafka) ForgetsInPlace() {}

// tieredKafka is a kafka with KIP-405.
type tieredKafka struct{ *kafka }

// Settle waits until every segment that Kafka will tier is in the store and
// gone from the local log. The one that is written to is never tiered, so one
// segment a partition stays.
func (k *tieredKafka) Settle(ctx context.Context, stem string) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		left, err := localSegments(filepath.Join(k.dir, "log"), stem)
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-k.Ended():
			return fmt.Errorf("waiting for %d segments to be tiered: Kafka ended by itself: %s", left, k.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d segments to be tiered: %w", left, ctx.Err())
		}
	}
}

// localSegments counts those of the topics that are on the local disk beside
// the active one of each partition.
func localSegments(dir, stem string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), stem) || strings.HasSuffix(e.Name(), "-delete") {
			continue
		}
		logs, err := filepath.Glob(filepath.Join(dir, e.Name(), "*.log"))
		if err != nil {
			return 0, err
		}
		left += max(0, len(logs)-1)
	}
	return left, nil
}

// earliestLocal asks for the first offset of the local log (KIP-405): what lies
// below it is in the tier alone.
const earliestLocal = -4

// Committed counts the records that lie in the tier and nowhere else.
func (k *tieredKafka) Committed(ctx context.Context, stem string) (int64, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.DisableClientMetrics())
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	starts, ends, err := bounds(ctx, adm, stem)
	if err != nil {
		return 0, err
	}
	locals, err := adm.ListOffsetsAfterMilli(ctx, earliestLocal, slices.Collect(maps.Keys(starts))...)
	if err != nil {
		return 0, err
	}
	var n int64
	starts.Each(func(o kadm.ListedOffset) {
		end, _ := ends.Lookup(o.Topic, o.Partition)
		local, _ := locals.Lookup(o.Topic, o.Partition)
		n += max(0, min(local.Offset, end.Offset)-o.Offset)
	})
	return n, errors.Join(starts.Error(), ends.Error(), locals.Error())
}

// bounds of the partitions of the topics whose names begin with stem.
func bounds(ctx context.Context, adm *kadm.Client, stem string) (starts, ends kadm.ListedOffsets, err error) {
	topics, err := adm.ListTopics(ctx)
	if err != nil {
		return nil, nil, err
	}
	names := slices.DeleteFunc(topics.Names(), func(n string) bool { return !strings.HasPrefix(n, stem) })
	if starts, err = adm.ListStartOffsets(ctx, names...); err != nil {
		return nil, nil, err
	}
	ends, err = adm.ListEndOffsets(ctx, names...)
	return starts, ends, err
}

// Forget empties the plug-in's cache.
func (k *tieredKafka) Forget(ctx context.Context) error {
	if k.admin == "" {
		return nil
	}
	var answer struct {
		Dropped int64 `json:"dropped_bytes"`
	}
	return decode(ctx, http.MethodPost, k.admin, "/cache/drop", &answer)
}
