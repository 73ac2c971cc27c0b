package broker

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/pprof"
	"slices"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/internal/spans"
)

//go:embed live.html
var liveHTML string

var livePage = template.Must(template.New("live").Parse(liveHTML))

// adminHandler serves what operators and benchmarks look at:
//
//	GET  /               a live page
//	GET  /metrics        Prometheus
//	GET  /streams        JSON: where each partition's offsets are
//	GET  /activity       JSON: when the newest uploads and merges ran
//	POST /logcache/drop  frees the committed blocks of the log cache
//	POST /compact        merges small objects whatever their age; answers when done
//	POST /retention      enforces retention now
//	POST /store/fault    with --fault-injection: the store fails or is slow
//	     /debug/pprof/   profiles
func (b *Broker) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.live)
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /streams", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, b.streams()) })
	mux.HandleFunc("GET /activity", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string][]spans.Span{"upload": b.engine.UploadSpans(), "compaction": b.compactor.Spans()})
	})
	mux.HandleFunc("POST /logcache/drop", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]int64{"dropped_bytes": b.cache.Drop()})
	})
	mux.HandleFunc("POST /compact", b.compactNow)
	mux.HandleFunc("POST /retention", b.retainRequest)
	if b.faults != nil {
		mux.HandleFunc("POST /store/fault", b.faultRequest)
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error is the reader's having gone
}

// streamInfo is one line of /streams.
type streamInfo struct {
	ID           int64  `json:"id"`
	Topic        string `json:"topic"`
	Partition    int32  `json:"partition"`
	Epoch        int64  `json:"epoch"`
	Start        int64  `json:"start"`
	CommittedEnd int64  `json:"committed_end"` // below it everything is in objects
	End          int64  `json:"end"`           // durable, exclusive: the high watermark
	Ranges       int    `json:"ranges"`        // runs of offsets in objects; a merged object may hold several
}

func (b *Broker) streams() []streamInfo {
	out := []streamInfo{}
	for _, s := range b.engine.Streams() {
		m, ok := b.replica.Stream(s.ID())
		if !ok {
			continue
		}
		out = append(out, streamInfo{
			ID: s.ID(), Topic: m.Topic, Partition: m.Partition, Epoch: s.Epoch(),
			Start: s.Start(), CommittedEnd: m.End, End: s.End(), Ranges: len(m.Ranges),
		})
	}
	slices.SortFunc(out, func(a, b streamInfo) int { return int(a.ID - b.ID) })
	return out
}

// live is the page for people: everything on it comes from the same counters
// as the metrics.
func (b *Broker) live(w http.ResponseWriter, _ *http.Request) {
	g := b.path.Geometry()
	data := map[string]any{
		"Node": b.cfg.NodeID, "Kafka": b.KafkaAddr(), "WAL": b.cfg.WAL, "Store": b.cfg.Store,
		"Durability": g.Durability, "Simulated": b.simulated(), "Engine": b.engine.Stats(), "Log": b.engine.WALStats(),
		"Upload": b.engine.UploadStats(), "Cache": b.cache.Stats(), "Blocks": b.blocks.Stats(),
		"Objects": len(b.replica.Objects(meta.Committed)), "Streams": b.streams(), "Compact": b.compactor.Stats(),
		"Deleted": b.cleaner.Deleted(), "DeletedBytes": b.cleaner.DeletedBytes(), "Retained": b.retained.bytes.Load(),
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = livePage.Execute(w, data)
}
