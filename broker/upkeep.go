package broker

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/compact"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/partition"
	"github.com/tidelog/tide/internal/units"
)

// upkeepDefaults fills in what openUpkeep goes by. memory is in bytes.
func (c *Config) upkeepDefaults(memory int64) {
	def(&c.CompactInterval, time.Minute)
	def(&c.CompactRate, 32<<20)
	def(&c.CompactTarget, max(min(256<<20, memory/16), 16<<20))
	def(&c.RetentionCheck, 5*time.Minute)
	def(&c.DeleteGrace, time.Minute)
}

func (c Config) checkUpkeep() (faults []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(c.CompactInterval >= 100*time.Millisecond, "compact interval %v: at least 100ms", c.CompactInterval)
	check(c.CompactRate >= 1<<10, "compact rate %s/s: at least 1 KiB/s", units.Size(c.CompactRate))
	check(c.CompactTarget >= 64<<10 && c.CompactTarget <= 1<<30, "compact target %s: from 64 KiB to 1 GiB", units.Size(c.CompactTarget))
	check(c.RetentionCheck >= 100*time.Millisecond, "retention check %v: at least 100ms", c.RetentionCheck)
	check(c.DeleteGrace >= 100*time.Millisecond, "delete grace %v: at least 100ms", c.DeleteGrace)
	return faults
}

// openUpkeep starts what keeps the store small: retention trims partitions,
// compaction merges objects, and the cleaner deletes what nothing refers to.
func (b *Broker) openUpkeep(context.Context) (err error) {
	b.cleaner = compact.NewCleaner(compact.CleanerConfig{
		Store: b.store, Meta: b.replica, Every: min(10*time.Second, b.cfg.DeleteGrace), Grace: b.cfg.DeleteGrace, Logger: b.log,
	})
	b.background(b.cleaner.Run)
	b.background(b.retain)
	b.compactor, err = compact.New(compact.Config{
		Store: b.store, Meta: b.replica, NodeID: b.cfg.NodeID, NodeEpoch: b.engine.Epoch(),
		Every: b.cfg.CompactInterval, Rate: b.cfg.CompactRate, Target: b.cfg.CompactTarget,
		Verify: partition.VerifyStored, Logger: b.log,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	// What the null store was given cannot be read, so not be merged either.
	if spec, _ := objstore.ParseURL(b.cfg.Store); !b.cfg.NoCompact && spec.Scheme != objstore.SchemeNull {
		go func() { _ = b.compactor.Run(ctx) }() // it ends with ctx, and returns nothing
	}
	b.onClose(func() error {
		stop()
		limit, cancel := context.WithTimeout(context.Background(), upkeepGrace)
		defer cancel()
		return b.compactor.Close(limit)
	})
	return nil
}

// upkeepGrace is how long a stop waits for a compaction that ends at its next
// call of the store.
const upkeepGrace = 5 * time.Second

// retained counts what retention has trimmed.
type retained struct{ trims, bytes atomic.Int64 }

// retain enforces retention until ctx ends.
func (b *Broker) retain(ctx context.Context) error {
	tick := time.NewTicker(b.cfg.RetentionCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := b.retainNow(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("retention; will try again", "error", err)
		}
	}
}

func (b *Broker) retainNow(ctx context.Context) ([]partition.Trimmed, error) {
	done, err := b.partitions.Retain(ctx)
	for _, t := range done {
		b.retained.trims.Add(1)
		b.retained.bytes.Add(t.Bytes)
		b.log.Info("retention", "topic", t.Topic, "partition", t.Partition, "start", t.Start, "bytes", t.Bytes)
	}
	return done, err
}

// compactNow is POST /compact: one round in which nothing is too young.
func (b *Broker) compactNow(w http.ResponseWriter, r *http.Request) {
	before := b.compactor.Stats()
	if err := b.compactor.Round(r.Context(), true); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	after := b.compactor.Stats()
	writeJSON(w, map[string]int64{
		"objects_in": after.ObjectsIn - before.ObjectsIn, "objects_out": after.ObjectsOut - before.ObjectsOut,
		"bytes_read": after.BytesRead - before.BytesRead, "bytes_written": after.BytesWritten - before.BytesWritten,
	})
}

// retainRequest is POST /retention: enforces it now.
func (b *Broker) retainRequest(w http.ResponseWriter, r *http.Request) {
	done, err := b.retainNow(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	bytes := int64(0)
	for _, t := range done {
		bytes += t.Bytes
	}
	writeJSON(w, map[string]int64{"partitions": int64(len(done)), "trimmed_bytes": bytes})
}
