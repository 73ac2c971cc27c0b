package broker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tidelog/tide/broker/objstore"
)

// registry makes the metrics page: the parts count with plain atomics, and a
// collector reads them when the page is asked for.
func (b *Broker) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{b})
	return r
}

// collector reads the broker's counters.
type collector struct{ b *Broker }

// Describe sends nothing: the set of metrics is whatever Collect sends.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect is called for each scrape.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := samples{out}
	c.store(s)
	c.upkeep(s)
	c.engine(s)
	c.wal(s)
	c.caches(s)
	c.wire(s)
}

// samples sends metrics.
type samples struct{ out chan<- prometheus.Metric }

func (s samples) counter(name, help string, v int64, label ...string) {
	s.send(prometheus.CounterValue, name, help, v, label...)
}

func (s samples) gauge(name, help string, v int64, label ...string) {
	s.send(prometheus.GaugeValue, name, help, v, label...)
}

// send takes at most one label, as name and value.
func (s samples) send(kind prometheus.ValueType, name, help string, v int64, label ...string) {
	var names, values []string
	if len(label) == 2 {
		names, values = label[:1], label[1:]
	}
	s.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, float64(v), values...)
}

func (c collector) store(s samples) {
	for _, op := range objstore.Ops {
		st := c.b.requests.Stats(op)
		s.counter("tide_objstore_requests_total", "Requests to the object store.", st.Requests, "op", op.String())
		s.counter("tide_objstore_bytes_total", "Bytes put to and got from the object store.", st.Bytes, "op", op.String())
		s.counter("tide_objstore_errors_total", "Requests to the object store that failed.", st.Errors, "op", op.String())
	}
	for class := range objstore.ClassCount {
		st := c.b.store.Stats(class)
		s.counter("tide_objstore_class_requests_total", "Requests to the object store by class.", st.Requests, "class", class.String())
		s.counter("tide_objstore_class_bytes_total", "Bytes that they asked to move.", st.Bytes, "class", class.String())
		s.counter("tide_objstore_class_waits_total", "Requests that waited for a place in flight.", st.Waits, "class", class.String())
		s.counter("tide_objstore_class_paced_total", "Pieces that waited for bandwidth.", st.Paced, "class", class.String())
	}
	s.gauge("tide_objstore_read_places", "Reads that may be in flight to the object store now; fewer while they slow the log down.", int64(c.b.store.Reads().Places))
	c.attempts(s)
	for part, model := range c.b.simulated() {
		s.out <- prometheus.MustNewConstMetric(prometheus.NewDesc("tide_simulated",
			"A model that stands in for a real part.", []string{"part", "model"}, nil), prometheus.GaugeValue, 1, part, model)
	}
	up := c.b.engine.UploadStats()
	s.counter("tide_upload_objects_total", "Objects uploaded and committed.", up.Objects)
	s.counter("tide_upload_bytes_total", "Bytes of objects uploaded and committed.", up.Bytes)
	s.counter("tide_upload_retries_total", "Attempts of puts and commits that failed.", up.Retries)
	s.counter("tide_upload_paced_milliseconds_total", "Time that puts waited for their pace.", up.Paced.Milliseconds())
	s.counter("tide_upload_hurried_bytes_total", "Bytes put without pacing, for haste.", up.Hurried)
	s.gauge("tide_upload_pending", "Blocks that are being put or committed.", up.Pending)
	s.gauge("tide_upload_queued", "Sealed blocks that wait for their upload.", up.Queued)
}

func (c collector) upkeep(s samples) {
	st := c.b.compactor.Stats()
	const objects = "Objects that compaction has left without a reader, and written."
	s.counter("tide_compact_objects_total", objects, st.ObjectsIn, "side", "in")
	s.counter("tide_compact_objects_total", objects, st.ObjectsOut, "side", "out")
	s.counter("tide_compact_bytes_total", "Bytes that compaction has moved.", st.BytesRead, "direction", "read")
	s.counter("tide_compact_bytes_total", "Bytes that compaction has moved.", st.BytesWritten, "direction", "written")
	s.counter("tide_compact_gets_total", "Range reads of compaction.", st.Gets)
	s.counter("tide_compact_jobs_total", "Merges begun.", st.Jobs)
	s.counter("tide_compact_failed_total", "Merges that ended with an error; they are planned anew.", st.Failed)
	s.counter("tide_compact_refused_total", "Objects written whose commit the metadata refused.", st.Refused)
	s.counter("tide_compact_corrupt_total", "Objects found damaged and left alone.", st.Corrupt)
	s.counter("tide_retention_trims_total", "Partitions trimmed by retention.", c.b.retained.trims.Load())
	s.counter("tide_retention_bytes_total", "Bytes of record batches trimmed by retention.", c.b.retained.bytes.Load())
	s.counter("tide_objects_deleted_total", "Objects whose bytes were deleted.", c.b.cleaner.Deleted())
	s.counter("tide_objects_deleted_bytes_total", "Bytes of the objects that were deleted.", c.b.cleaner.DeletedBytes())
}

// attempts are what really went to the store, where it repeats by itself.
func (c collector) attempts(s samples) {
	store, ok := objstore.As[objstore.Attempter](c.b.store)
	if !ok {
		return
	}
	for _, a := range store.AttemptStats() {
		s.counter("tide_objstore_attempts_total", "Requests sent to the object store, repetitions included.", a.Attempts, "op", a.Op)
		s.counter("tide_objstore_retries_total", "Repetitions among them.", a.Retries, "op", a.Op)
		s.counter("tide_objstore_throttles_total", "Answers of 503 or 429 to them.", a.Throttles, "op", a.Op)
	}
	if gated, ok := objstore.As[gated](c.b.store); ok {
		reads, writes := gated.Gates()
		for side, g := range map[string]objstore.GateStats{"read": reads, "write": writes} {
			s.gauge("tide_objstore_in_flight", "Requests in flight.", int64(g.InUse), "side", side)
			s.counter("tide_objstore_gate_waits_total", "Requests that waited for a place in flight.", g.Waits, "side", side)
		}
	}
	if m, ok := objstore.As[interface{ Late() int64 }](c.b.store); ok {
		s.counter("tide_objstore_model_late_total", "Requests for which the store below the model took longer than the model.", m.Late())
	}
}

// gated is a store that bounds its requests in flight.
type gated interface {
	Gates() (reads, writes objstore.GateStats)
}

func (c collector) engine(s samples) {
	st := c.b.engine.Stats()
	s.counter("tide_stream_appends_total", "Batches appended.", st.Appends)
	s.counter("tide_stream_append_bytes_total", "Bytes appended, with the 33-byte stream header of each batch.", st.AppendBytes)
	s.counter("tide_stream_space_waits_total", "Appends that waited for room in the log cache or the WAL.", st.SpaceWaits)
	s.counter("tide_stream_metadata_refreshes_total", "Fetches that found neither cache nor object and asked for newer metadata.", st.MetadataRefreshes)
	s.counter("tide_stream_fetch_records_total", "Records served.", st.LogCacheRecords, "source", "logcache")
	s.counter("tide_stream_fetch_records_total", "Records served.", st.ObjectRecords, "source", "object")
	s.counter("tide_stream_fetch_bytes_total", "Bytes of record batches served.", st.LogCacheRead, "source", "logcache")
	s.counter("tide_stream_fetch_bytes_total", "Bytes of record batches served.", st.ObjectRead, "source", "object")
	r := st.Recovery
	s.gauge("tide_recovery_records", "Records that the last start found in the WAL.", r.Kept, "fate", "kept")
	s.gauge("tide_recovery_records", "Records that the last start found in the WAL.", r.Committed, "fate", "committed")
	s.gauge("tide_recovery_records", "Records that the last start found in the WAL.", r.Unknown, "fate", "unknown")
	s.gauge("tide_recovery_records", "Records that the last start found in the WAL.", r.Stale, "fate", "stale")
}

func (c collector) wal(s samples) {
	st := c.b.engine.WALStats()
	s.counter("tide_wal_writes_total", "Blocks written to the WAL.", st.Writes)
	s.counter("tide_wal_io_units_total", "I/Os that an EBS volume counts for them: one for each 256 KiB of a block.", st.Units)
	s.counter("tide_wal_bytes_total", "Bytes written to the WAL, slack and padding included.", st.Bytes)
	s.counter("tide_wal_header_writes_total", "Headers written.", st.HeaderWrites)
	s.counter("tide_wal_window_stalls_total", "Times the window held a block back.", st.WindowStalls)
	s.counter("tide_wal_ring_full_total", "Reservations refused because the ring was full.", st.RingFull)
	s.counter("tide_wal_memory_full_total", "Reservations refused because the buffers were full.", st.MemoryFull)
	s.gauge("tide_wal_use_bytes", "Ring space in use.", st.Use)
	s.gauge("tide_wal_ring_bytes", "Ring space in all.", st.RingCapacity)
	s.gauge("tide_wal_window_bytes", "Window length now.", st.WindowMax)
}

func (c collector) caches(s samples) {
	l := c.b.cache.Stats()
	const levels = "Bytes of the log cache by state of their block."
	s.gauge("tide_logcache_bytes", levels, l.Active, "state", "active")
	s.gauge("tide_logcache_bytes", levels, l.Sealed, "state", "sealed")
	s.gauge("tide_logcache_bytes", levels, l.Committed, "state", "committed")
	s.gauge("tide_logcache_size_bytes", "Size of the log cache.", l.Size)
	s.gauge("tide_logcache_resident_bytes", "Of it, what was ever written, and so takes memory.", l.Resident)
	s.gauge("tide_logcache_index_bytes", "Of these, what is no batch: the index, and what was skipped at the ring's end.", l.Index)
	s.gauge("tide_logcache_pinned_bytes", "Bytes of blocks that readers hold.", l.Pinned)
	s.counter("tide_logcache_pinned_waits_total", "Appends that found no room because a reader held the oldest block.", l.PinnedWaits)
	s.counter("tide_logcache_full_total", "Appends that found the log cache full.", l.Full)
	k := c.b.blocks.Stats()
	s.counter("tide_blockcache_hits_total", "Block requests that were there or on their way.", k.Hits)
	s.counter("tide_blockcache_misses_total", "Block requests that began a load.", k.Misses)
	s.counter("tide_blockcache_loads_total", "GETs of blocks for readers.", k.Loads)
	s.counter("tide_blockcache_index_loads_total", "GETs of indexes.", k.IndexLoads)
	s.counter("tide_blockcache_prefetches_total", "GETs of blocks ahead of readers.", k.Prefetches)
	s.counter("tide_blockcache_prefetched_blocks_total", "Blocks that these GETs were for.", k.PrefetchedBlocks)
	s.counter("tide_blockcache_prefetch_late_total", "Prefetched blocks that a reader asked for while they were on their way.", k.PrefetchLate)
	s.counter("tide_blockcache_prefetch_wasted_total", "Prefetched blocks that went unread.", k.PrefetchWasted)
	s.counter("tide_blockcache_prefetch_dropped_total", "Proposals of the prefetcher that found no room.", k.PrefetchDropped)
	s.counter("tide_blockcache_loaded_bytes_total", "Bytes of blocks got.", k.LoadedBytes)
	s.counter("tide_blockcache_lend_refused_total", "Blocks that were copied because too much was lent to consumers.", k.LendRefused)
	s.counter("tide_blockcache_behind_total", "Blocks that left because their one reader had read them.", k.Behind)
	s.counter("tide_blockcache_behind_missed_total", "Of these, blocks asked for again.", k.BehindMissed)
	s.counter("tide_blockcache_prefetch_used_total", "Prefetched blocks that a reader asked for.", k.PrefetchUsed)
	s.counter("tide_blockcache_evictions_total", "Blocks evicted.", k.Evictions)
	s.counter("tide_blockcache_index_loaded_bytes_total", "Bytes of indexes asked for.", k.IndexLoadedBytes)
	s.gauge("tide_blockcache_bytes", "Bytes of blocks in memory.", k.InUse)
	s.gauge("tide_blockcache_mapped_bytes", "Bytes of memory that the block cache takes.", k.Mapped)
	s.gauge("tide_blockcache_lent_bytes", "Bytes of blocks that are lent to consumers.", k.Lent)
	s.gauge("tide_blockcache_ahead_bytes", "Bytes of blocks that are read ahead, or to be.", k.Ahead)
	s.gauge("tide_blockcache_index_bytes", "Bytes of decoded indexes in memory.", k.IndexBytes)
	if c.b.trace != nil {
		t := c.b.trace.Totals()
		s.counter("tide_trace_accesses_total", "Accesses written to the trace.", t.Accesses)
		s.counter("tide_trace_lost_total", "Accesses that came faster than the trace could be written.", t.Lost)
	}
}

func (c collector) wire(s samples) {
	st := c.b.server.Stats()
	for name, n := range st.Requests {
		s.counter("tide_requests_total", "Kafka requests.", n, "api", name)
	}
	s.gauge("tide_connections", "Open connections.", int64(st.Open))
	s.counter("tide_connections_refused_total", "Connections refused because of a limit.", st.Refused)
	s.counter("tide_connections_broken_total", "Connections closed because of a bad frame or a time limit.", st.Broken)
	s.gauge("tide_frames_bytes", "Memory of large requests, outside the Go heap.", st.FrameBytes, "state", "used")
	s.gauge("tide_frames_bytes", "Memory of large requests, outside the Go heap.", st.FrameIdle, "state", "idle")
	s.counter("tide_frames_full_total", "Large requests that waited for this memory.", st.BudgetFull)
	s.counter("tide_connections_detached_total", "Writes so slow that lent memory was copied.", st.Detached)
	s.gauge("tide_fetch_sessions", "Open fetch sessions.", st.Sessions)
	s.counter("tide_fetch_sessions_opened_total", "Fetch sessions opened.", st.SessionsMade)
	s.gauge("tide_fetch_session_partitions", "Partitions that fetch sessions have room for.", st.SessionParts)
	s.counter("tide_fetch_sessions_refused_total", "Fetch sessions refused or closed because of a limit.", st.SessionsFull)
	s.counter("tide_socket_writes_total", "Writes to client sockets.", st.Writes)
	s.counter("tide_socket_bytes_total", "Bytes to and from clients.", st.BytesIn, "direction", "in")
	s.counter("tide_socket_bytes_total", "Bytes to and from clients.", st.BytesOut, "direction", "out")
}
