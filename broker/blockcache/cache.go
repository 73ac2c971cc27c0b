package blockcache

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Errors of Get and Index, wrapped with the object's id. Errors of the store
// and object.ErrCorrupt are passed on in the same way.
var (
	// ErrBusy: pinned blocks fill the cache and the request said NoWait.
	ErrBusy = errors.New("block cache is full of pinned blocks")
	// errTooLarge: the block is larger than the whole cache, so it is served
	// from memory of its own.
	errTooLarge = errors.New("block larger than the block cache")
	// ErrLoading: the block or index is on its way and the request said Begin.
	ErrLoading = errors.New("on its way from the store")
	// ErrClosed: the cache is closed.
	ErrClosed = errors.New("block cache is closed")
	// ErrRef: the reference or the entry cannot be right, whatever the object
	// holds.
	ErrRef = errors.New("impossible object reference")
)

// ObjectRef says where an object and its index are; the metadata has it.
type ObjectRef struct {
	ID            int64
	Key           string
	Size          int64 // bytes
	IndexPosition int64 // bytes from the object's start
	IndexLength   int32 // bytes
}

// Request asks for one block.
type Request struct {
	Object ObjectRef
	Entry  object.IndexEntry // of the object's index
	// Reader tells several readers of one stream apart, for the prefetcher; 0
	// where nobody knows.
	Reader uint64
	// Following are the objects that hold the stream's next offsets, in order,
	// as far as prefetching should look. May be nil. It is not kept.
	Following []ObjectRef
	// NoWait refuses with ErrBusy instead of waiting for pinned memory. A
	// reader that holds a block already must set it. The load itself is waited
	// for all the same.
	NoWait bool
	// Begin refuses with ErrLoading instead of waiting for the block's load,
	// which it begins if it must. It implies NoWait.
	Begin bool
}

// Cache of blocks and indexes. All methods may be called from any goroutine.
type Cache struct {
	cfg    Config
	n      counters
	ctx    context.Context // of readers' loads; ended by Close
	ahead  context.Context // of loads ahead of readers, likewise
	cancel context.CancelFunc
	loads  sync.WaitGroup
	pad    int            // the store's unit less one: what a slot needs beyond its block, bytes
	checks *objstore.Gate // blocks that are being checked
	demand chan struct{}  // a token for each GET for readers
	large  chan struct{}  // holds an element while a block larger than the cache is read

	mu          sync.Mutex
	closed      bool
	slots       *slots
	policy      policy.Policy
	blocks      map[policy.Key]*Block      // resident, loading or pinned
	idle        int64                      // bytes of resident blocks that nobody has pinned
	waiting     int                        // loads for readers that are queued or in flight
	prefetching int                        // prefetch loads in flight, of blocks and indexes
	lent        int64                      // bytes of blocks that are lent
	queue       *prefetch.Queue[candidate] // what is to be loaded ahead
	wanted      []*wanted                  // loads for readers that wait for a token, oldest first
	tail        prefetch.Tail              // of GETs of blocks
	behind      behind                     // what was loaded ahead and read to its end
	freed       chan struct{}              // closed and replaced when memory may have come free
	waiters     int                        // readers that wait on freed

	indexes    map[int64]*indexLoad // cached and loading, by object
	indexOrder policy.Policy        // LRU over the cached ones

	view   ahead            // scratch of the prefetcher's call
	plan   []prefetch.Block // scratch likewise
	chosen []candidate      // of the plan; scratch likewise
}

// New makes an empty cache. It maps memory as it is needed and starts nothing.
func New(cfg Config) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	return &Cache{
		cfg: cfg, cancel: cancel,
		ctx:        objstore.WithClass(ctx, objstore.ClassDemand),
		ahead:      objstore.WithClass(ctx, objstore.ClassPrefetch),
		pad:        objstore.SlotUnit(cfg.Store) - 1,
		checks:     objstore.NewGate(cfg.Checkers, objstore.Spared{}),
		queue:      prefetch.NewQueue[candidate](cfg.AheadSize, cfg.MaxGet),
		behind:     newBehind(cfg.BehindSize, cfg.Size),
		demand:     make(chan struct{}, cfg.MaxLoads),
		large:      make(chan struct{}, 1),
		slots:      newSlots(cfg.Size + cfg.PinnedSize),
		policy:     cfg.Policy(cfg.Size),
		blocks:     make(map[policy.Key]*Block),
		freed:      make(chan struct{}),
		indexes:    make(map[int64]*indexLoad),
		indexOrder: newLRU(cfg.IndexSize),
	}, nil
}

// Block is Get without a reader's identity and without a look ahead beyond the
// object.
func (c *Cache) Block(ctx context.Context, ref ObjectRef, e object.IndexEntry) (*Block, error) {
	return c.Get(ctx, Request{Object: ref, Entry: e})
}

// Get returns the block, pinned: the caller must Release it. A block that is
// not cached is loaded with one GET, which all who ask for it meanwhile share;
// when ctx ends, the caller alone gives up. Before it is served a loaded block
// is held against its index entry.
func (c *Cache) Get(ctx context.Context, r Request) (*Block, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.NoWait = r.NoWait || r.Begin
	b, err := c.pinned(ctx, r)
	if errors.Is(err, errTooLarge) {
		return c.uncached(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	if r.Begin && !b.loaded() {
		b.Release()
		return nil, ErrLoading
	}
	return b.await(ctx)
}

// uncached reads a block that is larger than the whole cache: what was
// acknowledged must be readable whatever the sizes are. It lies on the Go heap
// until Release, one such block at a time.
func (c *Cache) uncached(ctx context.Context, r Request) (*Block, error) {
	select {
	case c.large <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, ErrClosed
	}
	b := &Block{cache: c, entry: r.Entry, buf: make([]byte, r.Entry.Size), uncached: true}
	c.n.uncached.Add(1)
	c.mu.Lock()
	c.recordBlock(trace.Miss, r.Object.ID, r.Entry, r.Reader)
	c.mu.Unlock()
	err := c.withToken(func() error {
		c.n.loads.Add(1)
		return c.load(c.ctx, r.Object, b)
	})
	if err = errors.Join(err, b.err); err != nil {
		c.countError(err)
		b.Release()
		return nil, err
	}
	return b, nil
}

func (r Request) check() error {
	o, e := r.Object, r.Entry
	if e.Position < 0 || e.Size <= 0 || (o.Size > 0 && (e.Position > o.Size || int64(e.Size) > o.Size-e.Position)) {
		return fmt.Errorf("object %d of %d bytes, block of %d bytes at %d: %w", o.ID, o.Size, e.Size, e.Position, ErrRef)
	}
	return nil
}

// pinned returns the block with a pin for the caller, there or being loaded.
func (c *Cache) pinned(ctx context.Context, r Request) (*Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req := c.policyRequest(r.Object.ID, r.Entry)
	for {
		if c.closed {
			return nil, ErrClosed
		}
		resident := c.policy.Access(req)
		b, how, err := c.lookup(req, r)
		if err == nil {
			c.serve(r, b, how, resident)
			return b, nil
		}
		if !errors.Is(err, ErrBusy) {
			return nil, err
		}
		c.recordBlock(trace.Refused, r.Object.ID, r.Entry, r.Reader)
		if r.NoWait {
			return nil, err
		}
		if err := c.waitForMemory(ctx); err != nil {
			return nil, err
		}
	}
}

// serve does what a request causes beyond its own block. resident is what the
// policy had to say of that one.
func (c *Cache) serve(r Request, b *Block, how found, resident bool) {
	kind, own := trace.Hit, (*Block)(nil)
	switch {
	case b.begun: // by this very request
		kind, own = trace.Miss, b
	case !resident:
		kind = trace.Rescue
	}
	c.countRequest(b, how)
	c.recordBlock(kind, r.Object.ID, r.Entry, r.Reader)
	if load := c.look(r, own, resident || how != missed, how == late); load != nil {
		c.startLoad(r.Object, load)
	}
	c.pump()
}

// found is how a request finds its block.
type found int

const (
	missed found = iota // nobody had thought of it
	late                // it is on its way, or waits to be loaded ahead
	there
)

// lookup pins the block. When there is none it makes one, which is begun: whoever
// called has to start its load.
func (c *Cache) lookup(req policy.Request, r Request) (*Block, found, error) {
	if b := c.blocks[req.Key]; b != nil {
		c.pin(b)
		if !b.resident && c.admit(b, req) {
			c.n.rescues.Add(1)
		}
		c.behind.rescue(b)
		if b.loaded() {
			return b, there, nil
		}
		b.rising.rise()
		return b, late, nil
	}
	b, err := c.begin(req, r.Entry)
	if err != nil {
		if errors.Is(err, ErrBusy) && r.NoWait {
			c.n.busy.Add(1)
		}
		return nil, missed, err
	}
	c.missed(req.Key)
	how := missed
	if c.queue.Take(req.Key.Object, req.Key.Position) {
		how = late
	}
	c.pin(b)
	b.begun = true
	return b, how, nil
}

// slotBytes is what a block needs of memory, wherever it begins in its object.
func (c *Cache) slotBytes(e object.IndexEntry) int { return int(e.Size) + c.pad }

func (c *Cache) policyRequest(id int64, e object.IndexEntry) policy.Request {
	return policy.Request{
		Key:  policy.Key{Object: id, Position: e.Position},
		Size: c.slots.size(c.slotBytes(e)),
		Now:  c.cfg.Clock(),
	}
}

func (c *Cache) countRequest(b *Block, how found) {
	if b.begun { // by this very request
		b.begun = false
		c.n.misses.Add(1)
		return
	}
	c.n.hits.Add(1)
	if b.prefetched {
		c.unmark(b)
		c.n.prefetchUsed.Add(1)
		if how == late {
			c.n.prefetchLate.Add(1)
		}
	}
}

// unmark takes a block off the account of those that were loaded ahead and are
// unread.
func (c *Cache) unmark(b *Block) {
	if b.prefetched {
		b.prefetched = false
		c.queue.Hold(-b.slotSize())
	}
}

// Close ends all loads and returns when they have ended; readers that wait get
// errors. Blocks that are still pinned stay readable; the memory is unmapped
// with the last Release.
func (c *Cache) Close() {
	c.cancel()
	c.mu.Lock()
	c.queue.Clear()
	c.closed = true // no load begins from here on, so Wait cannot miss one
	c.mu.Unlock()
	c.loads.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		k, ok := c.policy.Evict(policy.Request{})
		if !ok {
			break
		}
		c.drop(k)
	}
	c.unmapIfClosed()
}
