// Package stream is the engine: it orders the write-ahead log, the log cache,
// the upload and the reads of all streams that are open on a node.
//
//	Append ─▶ one short lock: room in cache and WAL, offset, place in the queue
//	       ─▶ copy into the cache, copy into the WAL block (with its CRC)
//	       ─▶ WAL durable ─▶ end advances (visible) ─▶ done ─▶ waiters
//	seal   ─▶ block durable ─▶ upload ─▶ commit applied here ─▶ trim, free
//	Fetch  ─▶ log cache, else metadata ─▶ block cache ─▶ store
//
// A stream has one writer at a time (its partition) and any number of readers.
// Readers see only what is durable.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/upload"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/internal/spans"
)

// Metadata is what the engine needs of the local replica.
type Metadata interface {
	upload.Metadata
	Object(id int64) (meta.Object, bool)
	// Sync waits until the replica has applied everything that the leader had.
	Sync(ctx context.Context) error
}

// Config wires an Engine. NodeID, OnDurable and OnSpace of WAL and the
// identity and callbacks of Upload are the engine's to fill in.
type Config struct {
	NodeID    int32
	Advertise string // host:port that clients are told

	WAL    wal.Config
	Cache  *logcache.Cache
	Blocks *blockcache.Cache
	Meta   Metadata
	Upload upload.Config

	// UploadThreshold seals the active cache block at this many payload bytes,
	// before the next record enters. Default 64 MiB; at most half of the log
	// cache and of the WAL (rule 4).
	UploadThreshold int64
	// UploadInterval seals it at this age at the latest. Default 30 s.
	UploadInterval time.Duration

	AcceptLoss bool // start although the WAL proves that records are lost
	DiscardWAL bool // start although the WAL is another's or of an older life; it is emptied

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.UploadThreshold == 0 {
		c.UploadThreshold = 64 << 20
	}
	if c.UploadInterval == 0 {
		c.UploadInterval = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var errs []error
	if size := c.Cache.Stats().Size; c.UploadThreshold*2 > size {
		errs = append(errs, fmt.Errorf("upload threshold %d bytes: at most half of the log cache (%d); lower --upload-threshold or raise --log-cache", c.UploadThreshold, size))
	}
	if capacity := c.WAL.Path.Geometry().Capacity; c.UploadThreshold*2 > capacity {
		errs = append(errs, fmt.Errorf("upload threshold %d bytes: at most half of the WAL's capacity (%d); lower --upload-threshold or use a larger WAL", c.UploadThreshold, capacity))
	}
	if c.UploadThreshold < 1 {
		errs = append(errs, fmt.Errorf("upload threshold %d bytes: at least 1", c.UploadThreshold))
	}
	if c.UploadInterval < time.Millisecond {
		errs = append(errs, fmt.Errorf("upload interval %v: at least 1ms", c.UploadInterval))
	}
	return errors.Join(errs...)
}

// Engine runs the streams of one node. Lock order: Engine.mu, then the locks
// of the cache and of the WAL.
type Engine struct {
	cfg      Config
	epoch    int64 // node epoch of this life
	wal      *wal.WAL
	cache    *logcache.Cache
	uploader *upload.Uploader
	maxBatch int

	cacheSize int64       // of the log cache, bytes
	serving   atomic.Bool // recovery is over

	// mu is the one short lock of rule 2: cache put, WAL offset, place in the
	// queue and seal exclude each other. Copying happens outside it.
	mu       sync.Mutex
	streams  map[int64]*Stream
	pending  queue      // appended, not yet durable; in WAL order
	sealed   []seal     // sealed, not yet durable
	last     wal.Offset // START of the last record reserved
	durable  wal.Offset // everything before it is durable
	trimmed  wal.Offset // what the WAL was last told to trim to
	ring     int64      // the WAL's ring capacity, bytes
	onTheWay int        // blocks sealed and not yet committed
	space    chan struct{}
	short    bool  // an append waits for room in the cache
	failed   error // the WAL has latched
	closed   bool
	began    time.Time // when the active block got its first record
	sealings *time.Timer

	ready    []pending // scratch of onDurable, which never runs twice at once
	failure  chan error
	bufs     buffers
	counters counters
	recovery RecoveryReport
	background
}

// background is what runs until Close.
type background struct {
	stop  context.CancelFunc
	group *errgroup.Group
}

// counters are read by Stats.
type counters struct {
	appends, appendBytes          atomic.Int64
	cacheRecords, cacheBytes      atomic.Int64
	objectRecords, objectBytes    atomic.Int64
	spaceWaits, refreshedMetadata atomic.Int64
}

// Stats counts since Open.
type Stats struct {
	Appends, AppendBytes          int64 // batches, encoded bytes
	LogCacheRecords, LogCacheRead int64 // served from the log cache: records, bytes
	ObjectRecords, ObjectRead     int64 // served from objects: records, bytes
	SpaceWaits                    int64 // appends that waited for room (back-pressure)
	MetadataRefreshes             int64 // fetches that found neither cache nor object and asked the leader
	Recovery                      RecoveryReport
}

// Open runs the opening sequence of formats.md: register, recover what the WAL
// holds into objects, commit it, reset the WAL, and only then accept appends. A
// crash at any step repeats safely. While the store cannot be reached it waits,
// and the uploader's log says so.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, cache: cfg.Cache, streams: make(map[int64]*Stream), last: -1, failure: make(chan error, 1)}
	e.cacheSize = e.cache.Stats().Size
	e.cache.OnRoom(e.wakeSpace)
	e.sealings = time.AfterFunc(time.Hour, e.sealOld)
	e.sealings.Stop()
	w := cfg.WAL
	w.NodeID, w.OnDurable, w.OnSpace = cfg.NodeID, e.onDurable, e.wakeSpace
	if w.Logger == nil {
		w.Logger = cfg.Logger
	}
	var err error
	if e.wal, err = wal.Open(w); err != nil {
		return nil, err
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.abandon())
	}
	return e, nil
}

// open is Open from the registration on.
func (e *Engine) open(ctx context.Context) error {
	reg, err := e.cfg.Meta.Propose(ctx, meta.RegisterNode{NodeID: e.cfg.NodeID, Advertise: e.cfg.Advertise})
	if err != nil {
		return fmt.Errorf("register node %d: %w", e.cfg.NodeID, err)
	}
	e.epoch = reg.NodeEpoch
	if err := e.startUploader(); err != nil {
		return err
	}
	if err := e.recover(ctx, reg); err != nil {
		return err
	}
	if err := e.wal.Reset(ctx, e.epoch); err != nil {
		return fmt.Errorf("reset the WAL: %w", err)
	}
	if _, err := e.cfg.Meta.Propose(ctx, meta.WALOpened{NodeID: e.cfg.NodeID, Epoch: e.epoch}); err != nil {
		return fmt.Errorf("record that the WAL is open: %w", err)
	}
	e.maxBatch = min(e.wal.MaxBody(), e.cache.MaxBatch())
	h, _ := e.wal.Header()
	e.trimmed, e.ring = h.TrimOffset, e.wal.Stats().RingCapacity
	e.serving.Store(true)
	return nil
}

func (e *Engine) startUploader() error {
	cfg := e.cfg.Upload
	cfg.Meta, cfg.NodeID, cfg.NodeEpoch = e.cfg.Meta, e.cfg.NodeID, e.epoch
	cfg.Committed, cfg.Urgent = e.committed, e.urgent
	if cfg.Logger == nil {
		cfg.Logger = e.cfg.Logger
	}
	var err error
	if e.uploader, err = upload.New(cfg); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop, e.group = stop, new(errgroup.Group)
	e.group.Go(func() error {
		err := e.uploader.Run(ctx)
		if err != nil {
			e.report(fmt.Errorf("upload: %w", err))
		}
		return err
	})
	return nil
}

// Failed delivers the first error after which the node cannot go on: the WAL
// has latched, or the metadata has fenced it.
func (e *Engine) Failed() <-chan error { return e.failure }

func (e *Engine) report(err error) {
	select {
	case e.failure <- err:
	default:
	}
}

// Epoch is the node epoch of this life.
func (e *Engine) Epoch() int64 { return e.epoch }

// MaxBatch is the largest payload that Append takes, in bytes.
func (e *Engine) MaxBatch() int { return e.maxBatch - object.BatchHeaderSize }

// Close seals and uploads what the WAL holds, and marks it closed clean and
// empty. When ctx ends first, the WAL keeps what is left for the next start,
// and the error says so. Appends in progress get ErrClosed or end as usual.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.sealings.Stop()
	e.wakeSpaceLocked()
	e.mu.Unlock()
	err := e.flush(ctx)
	// What flush had no time for is in the WAL already: closing it is quick.
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
	defer cancel()
	if err == nil {
		err = e.wal.Close(short, true)
	} else {
		err = errors.Join(err, e.wal.Close(short, false))
	}
	if err == nil {
		_, err = e.cfg.Meta.Propose(short, meta.WALClosed{NodeID: e.cfg.NodeID, Epoch: e.epoch})
	}
	return errors.Join(err, e.stopUploader())
}

// closeGrace bounds the parts of a stop that do not wait for the store.
const closeGrace = 5 * time.Second

// ErrHung: a call of the store does not return, so its goroutine cannot be
// ended. It still reads the log cache: the process must exit without taking
// that memory away.
var ErrHung = errors.New("a call of the object store does not return")

// stopUploader ends the uploader, which waits for the puts that are under way.
func (e *Engine) stopUploader() error {
	e.stop()
	ended := make(chan error, 1)
	go func() { ended <- e.group.Wait() }()
	select {
	case err := <-ended:
		return ignoreCanceled(err)
	case <-time.After(closeGrace):
		return ErrHung
	}
}

// flush makes everything appended durable and uploads it.
func (e *Engine) flush(ctx context.Context) error {
	if err := e.wal.Drain(ctx); err != nil {
		return fmt.Errorf("drain the WAL: %w", err)
	}
	e.mu.Lock()
	e.sealLocked()
	e.mu.Unlock()
	return e.uploader.Drain(ctx)
}

// abandon undoes a failed Open without touching what is on the device.
func (e *Engine) abandon() error {
	var err error
	if e.stop != nil {
		if err = e.stopUploader(); !errors.Is(err, ErrHung) {
			err = nil // it is in the error that Open returns
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return errors.Join(err, e.wal.Close(ctx, false))
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Stats may be called at any time.
func (e *Engine) Stats() Stats {
	c := &e.counters
	return Stats{
		Appends: c.appends.Load(), AppendBytes: c.appendBytes.Load(),
		LogCacheRecords: c.cacheRecords.Load(), LogCacheRead: c.cacheBytes.Load(),
		ObjectRecords: c.objectRecords.Load(), ObjectRead: c.objectBytes.Load(),
		SpaceWaits: c.spaceWaits.Load(), MetadataRefreshes: c.refreshedMetadata.Load(),
		Recovery: e.recovery,
	}
}

// WALStats are the write-ahead log's own.
func (e *Engine) WALStats() wal.Stats { return e.wal.Stats() }

// UploadStats are the uploader's own.
func (e *Engine) UploadStats() upload.Stats { return e.uploader.Stats() }

// UploadSpans are the newest uploads.
func (e *Engine) UploadSpans() []spans.Span { return e.uploader.Spans() }
