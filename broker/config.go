package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/shape"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
)

// Config is a broker's configuration: the flags of `tide broker`. The zero
// value of each field means its default.
type Config struct {
	// Data is the directory of the default WAL, the default store and the
	// metadata. Default ./tide-data.
	Data string
	// Listen is the address of the Kafka protocol. Default 127.0.0.1:9092.
	Listen string
	// Advertise is the host:port that clients are told. Default: Listen, with
	// the port that was really taken.
	Advertise string
	// Admin is the address of metrics, profiles and the live page. Default
	// 127.0.0.1:9644.
	Admin string
	// NodeID is this broker's, unique in the cluster. Default 1.
	NodeID int32

	// WAL is a WAL URL. Default pwrite:DATA/wal, with 2 GiB when it is made, and
	// dsync. A URL without a path takes the same place.
	WAL string
	// Store is a store URL. Default dir:DATA/objects; dir: without a path takes
	// the same place.
	Store string

	// LogCache holds what is not in an object yet, in bytes. Default 1/8 of
	// the memory, at least 128 MiB.
	LogCache int64
	// BlockCache holds DataBlocks of objects, in bytes. Default 1/8 of the
	// memory, at least 64 MiB.
	BlockCache int64
	// Policy evicts from the block cache. Default lru.
	Policy string
	// Prefetch fills it ahead of readers. Default automq:2024.
	Prefetch string
	// ObjectBlock closes a DataBlock, in bytes. Default 1 MiB.
	ObjectBlock int64
	// ObjectSplit: a stream with as much in one upload gets an object of its
	// own. Default 8 MiB.
	ObjectSplit int64
	// UploadThreshold seals and uploads a cache block, in bytes. Default
	// 64 MiB; at most half of the log cache and of the WAL.
	UploadThreshold int64
	// UploadInterval uploads at this age at the latest. Default 30 s.
	UploadInterval time.Duration
	// UploadPart is the size of a part of an upload, in bytes, and that above
	// which an object goes in parts. Default 32 MiB. s3 and the store models use
	// it, unless the store URL has part=…; dir, mem and null have no parts.
	UploadPart int64

	// StoreRate bounds what is read from the store, and as much what is written
	// to it, in bytes a second. Urgent requests go first: append and upload,
	// demand reads, prefetch, compaction. Default 0: no bound.
	StoreRate int64
	// StoreReads and StoreWrites are how many requests of each kind may be in
	// flight to the store. Defaults 32 and 8; more wait, in the same order.
	StoreReads, StoreWrites int

	// NoAutoCreate stops Metadata requests from creating topics.
	NoAutoCreate bool
	// AcceptLoss starts although the WAL proves that records are lost.
	AcceptLoss bool
	// DiscardWAL starts although the WAL is another node's or of an older
	// life, and empties it.
	DiscardWAL bool
	// FaultInjection lets POST /store/fault make the store fail or slow, for
	// benchmarks. It is for nothing else: default off, and then there is no such
	// request.
	FaultInjection bool
	// Trace is a file that gets every access of the block cache, for `tide
	// cache trace`; FILE.1, FILE.2 … when it is there already. Default none.
	Trace string

	// NoCompact leaves objects as they were uploaded, but for what an operator
	// asks for.
	NoCompact bool
	// CompactInterval is how often the broker looks for small objects to merge.
	// Default 1 min.
	CompactInterval time.Duration
	// CompactRate bounds what compaction reads, and what it writes, in bytes a
	// second. Default 32 MiB/s. Each byte is written again about once with a few
	// partitions and twice with a thousand: below that times the rate of the
	// producers, small objects pile up.
	CompactRate int64
	// CompactTarget is the size from which an object is left alone, in bytes.
	// Default 256 MiB, or 1/16 of the memory where that is less: a merge holds
	// one object in memory, which may become twice as large.
	CompactTarget int64
	// RetentionCheck is how often retention is enforced. Default 5 min.
	RetentionCheck time.Duration
	// DeleteGrace is how long the bytes of an object stay after nothing refers
	// to it any more, for readers that are at it. Default 1 min.
	DeleteGrace time.Duration

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	def(&c.Data, "./tide-data")
	def(&c.Listen, "127.0.0.1:9092")
	def(&c.Admin, "127.0.0.1:9644")
	def(&c.NodeID, 1)
	if wal, err := iopath.FillURL(c.WAL, c.Data, ""); err == nil {
		c.WAL = wal // else Validate says what is wrong with it
	}
	c.Store = fillStore(c.Store, c.Data)
	memory := availableMemory()
	c.upkeepDefaults(memory)
	def(&c.LogCache, max(memory/8, 128<<20))
	def(&c.BlockCache, max(memory/8, 64<<20))
	def(&c.Policy, "lru")
	def(&c.Prefetch, "automq:2024")
	def(&c.ObjectBlock, 1<<20)
	def(&c.ObjectSplit, 8<<20)
	def(&c.UploadThreshold, 64<<20)
	def(&c.UploadInterval, 30*time.Second)
	def(&c.UploadPart, 32<<20)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// fillStore completes a store URL. What is wrong with it is Validate's to say.
func fillStore(text, data string) string {
	place := objstore.SchemeDir + ":" + filepath.Join(data, "objects")
	if text == "" {
		return place
	}
	if query, ok := strings.CutPrefix(text, objstore.SchemeDir+":"); ok && (query == "" || query[0] == '?') {
		return place + query
	}
	return text
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// shape is how the store is shared out.
func (c Config) shape() shape.Config {
	return shape.Config{Reads: c.StoreReads, Writes: c.StoreWrites, Rate: c.StoreRate}
}

// frameMemory bounds what produce requests above 64 KiB take while they are
// read and served, in bytes: 1/16 of the memory, from 128 to 512 MiB.
func frameMemory() int64 { return min(max(availableMemory()/16, 128<<20), 512<<20) }

// Validate reports every fault at once, each with its bound.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(c.NodeID >= 0, "node id %d: must not be negative", c.NodeID)
	check(c.LogCache >= 1<<20, "log cache %s: at least 1 MiB", units.Size(c.LogCache))
	check(c.BlockCache >= 1<<20, "block cache %s: at least 1 MiB", units.Size(c.BlockCache))
	check(c.ObjectBlock >= 4<<10 && c.ObjectBlock <= 1<<30, "object block %s: from 4 KiB to 1 GiB", units.Size(c.ObjectBlock))
	check(c.ObjectSplit >= 1, "object split %d: at least 1 byte", c.ObjectSplit)
	check(c.UploadThreshold >= 4<<10, "upload threshold %s: at least 4 KiB", units.Size(c.UploadThreshold))
	check(c.UploadThreshold <= c.LogCache/2, "upload threshold %s: at most half of the log cache (%s); raise --log-cache or lower --upload-threshold",
		units.Size(c.UploadThreshold), units.Size(c.LogCache))
	if wal, err := iopath.ParseURL(c.WAL); err == nil && wal.Capacity > 0 { // else it is known when the log is open
		check(c.UploadThreshold <= wal.Capacity/2, "upload threshold %s: at most half of the WAL's capacity (%s); lower --upload-threshold or use a larger WAL",
			units.Size(c.UploadThreshold), units.Size(wal.Capacity))
	}
	check(c.UploadPart >= 5<<20 && c.UploadPart <= 1<<30, "upload part %s: from 5 MiB to 1 GiB", units.Size(c.UploadPart))
	check(c.UploadInterval >= 10*time.Millisecond, "upload interval %v: at least 10ms", c.UploadInterval)
	return errors.Join(append(append(faults, c.checkParts()...), c.checkUpkeep()...)...)
}

// checkParts checks what names a part or an address.
func (c Config) checkParts() []error {
	named := func(flag string, err error) error {
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		return nil
	}
	_, walErr := iopath.ParseURL(c.WAL)
	_, policyErr := policy.New(c.Policy, c.BlockCache)
	_, prefetchErr := prefetch.New(c.Prefetch)
	faults := []error{
		named("wal", walErr), named("store", checkStore(c.Store, c.UploadPart)), c.shape().Validate(), named("policy", policyErr), named("prefetch", prefetchErr),
		checkAddress("listen", c.Listen), checkAddress("admin", c.Admin),
	}
	if c.Advertise != "" {
		return append(faults, checkAdvertise(c.Advertise))
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && wildcard(host) {
		faults = append(faults, fmt.Errorf("--listen %s takes connections on every address: name the one that clients are told with --advertise HOST:PORT", c.Listen))
	}
	return faults
}

func checkAddress(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("--%s %q: want HOST:PORT: %w", flag, addr, err)
	}
	return nil
}

// checkAdvertise refuses what no client could connect to.
func checkAdvertise(addr string) error {
	if err := checkAddress("advertise", addr); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(addr)
	if n, _ := strconv.Atoi(port); n == 0 || wildcard(host) {
		return fmt.Errorf("--advertise %q: want a host and a port that clients can connect to", addr)
	}
	return nil
}

func wildcard(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || (ip != nil && ip.IsUnspecified())
}
