package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	storemodel "github.com/tidelog/tide/broker/objstore/model"
	"github.com/tidelog/tide/broker/objstore/null"
	"github.com/tidelog/tide/broker/objstore/s3"
	"github.com/tidelog/tide/internal/storetime"
)

// walArena bounds what the WAL buffers for writing, in bytes.
const walArena = 32 << 20

// checkStore refuses a store URL that openStore would not open.
func checkStore(text string, part int64) error {
	spec, err := objstore.ParseURL(text)
	if err != nil || spec.Scheme != objstore.SchemeS3 {
		return err
	}
	return s3Config(spec, part, nil).Validate()
}

// s3Config is what a store URL says about S3; part is --upload-part.
func s3Config(spec objstore.Spec, part int64, log *slog.Logger) s3.Config {
	return s3.Config{
		Bucket: spec.Bucket, Prefix: spec.Prefix, Endpoint: spec.Endpoint, Region: spec.Region, PathStyle: spec.PathStyle,
		Part: partSize(spec, part), Deadline: spec.Deadline, Logger: log,
	}
}

// partSize is the URL's own, or else --upload-part.
func partSize(spec objstore.Spec, part int64) int64 {
	def(&spec.Part, part)
	return spec.Part
}

// openStore opens the store that a store URL names, and the model around it;
// beside is for a directory.
func openStore(ctx context.Context, text string, part int64, beside func() bool, log *slog.Logger) (objstore.Store, error) {
	spec, err := objstore.ParseURL(text)
	if err != nil {
		return nil, err
	}
	store, err := openPlain(ctx, spec, part, beside, log)
	if err != nil || spec.Model == "" {
		return store, err
	}
	service, err := storetime.Preset(spec.Model)
	if err == nil {
		service.SlowDown = spec.SlowDown
		var m *storemodel.Store
		if m, err = storemodel.Wrap(store, storemodel.Config{Service: service, Seed: spec.Seed, Part: partSize(spec, part)}); err == nil {
			return m, nil
		}
	}
	return nil, errors.Join(err, store.Close())
}

func openPlain(ctx context.Context, spec objstore.Spec, part int64, beside func() bool, log *slog.Logger) (objstore.Store, error) {
	switch spec.Scheme {
	case objstore.SchemeDir:
		return dir.Open(dir.Config{Root: spec.Path, WriteRate: spec.WriteRate.PerSecond, Beside: beside, Logger: log})
	case objstore.SchemeMem:
		return memstore.New(), nil
	case objstore.SchemeNull:
		return null.New(), nil
	case objstore.SchemeS3:
		return s3.Open(ctx, s3Config(spec, part, log))
	}
	return nil, fmt.Errorf("store %q: unknown scheme", spec.Scheme)
}

// reacher is a store on the other side of a network.
type reacher interface {
	// Reach returns nil when the store answers and takes us, an error that is
	// objstore.ErrRefused when somebody has to change something.
	Reach(ctx context.Context) error
}

// Waits between attempts to reach the store at the start.
const (
	reachMin = time.Second
	reachMax = 10 * time.Second
)

// awaitStore waits until the store can be reached, and says so. A broker that
// began without it would take records that it may never be able to upload.
func awaitStore(ctx context.Context, store objstore.Store, log *slog.Logger) error {
	r, ok := objstore.As[reacher](store)
	if !ok {
		return nil
	}
	for wait := reachMin; ; wait = min(2*wait, reachMax) {
		err := r.Reach(ctx)
		switch {
		case err == nil || errors.Is(err, objstore.ErrRefused):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		log.Warn("waiting for the object store: nothing is served before it answers", "again_in", wait, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sweeper is a store in which a crash leaves parts of uploads behind.
type sweeper interface {
	Sweep(ctx context.Context, before time.Time) (int, error)
}

// leftoverAge is far more than an upload takes: the uploader gives up one
// attempt after minutes. Other brokers share the bucket, so age is all there
// is to go by.
const leftoverAge = 24 * time.Hour

// sweepStore removes such parts at the start and then once an hour.
func (b *Broker) sweepStore(ctx context.Context) error {
	s, ok := objstore.As[sweeper](b.store)
	if !ok {
		return nil
	}
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		swept, err := s.Sweep(ctx, time.Now().Add(-leftoverAge))
		if swept > 0 {
			b.log.Info("removed parts of uploads that a crash left in the bucket", "uploads", swept)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("parts of uploads that a crash left may stay in the bucket; trying again in an hour", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// simulated names the parts that models stand in for, with their guesses.
func (b *Broker) simulated() map[string]string {
	out := map[string]string{}
	if what := b.path.Geometry().Simulated; what != "" {
		out["wal"] = what
	}
	if s, ok := objstore.As[objstore.Simulated](b.store); ok {
		out["store"] = s.Simulated()
	}
	return out
}
