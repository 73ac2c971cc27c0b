package target

import (
	"context"
	"net/http"

	"github.com/tidelog/tide/internal/spans"
)

// Activity is when a target's newest pieces of background work ran, by kind:
// "upload", "compaction". Times are of the wall clock.
type Activity map[string][]spans.Span

// Active is a Running that tells of its background work. It may be asked at any
// time and by any goroutine; a dead one gives an error.
type Active interface {
	Activity(ctx context.Context) (Activity, error)
}

// Tiered is a Running that knows how many records of the topics, whose names
// begin with stem, lie where a reader that lags behind gets them.
type Tiered interface {
	Committed(ctx context.Context, stem string) (int64, error)
}

// Compacted is what a round of compaction did.
type Compacted struct {
	ObjectsIn    int64 `json:"objects_in"`
	ObjectsOut   int64 `json:"objects_out"`
	BytesRead    int64 `json:"bytes_read"`
	BytesWritten int64 `json:"bytes_written"`
}

// Compactor is a Running that merges what is small on request. The answer comes
// when it is done; ctx ends it.
type Compactor interface {
	Compact(ctx context.Context) (Compacted, error)
}

// Committed asks the admin port.
func (p *Process) Committed(ctx context.Context, stem string) (int64, error) {
	streams, err := Streams(ctx, p.admin)
	return Committed(streams, stem), err
}

// Compact asks the admin port.
func (p *Process) Compact(ctx context.Context) (Compacted, error) {
	var out Compacted
	err := decodeWith(ctx, patient, http.MethodPost, p.admin, "/compact", &out)
	return out, err
}

// Activity reads the admin port.
func (p *Process) Activity(ctx context.Context) (Activity, error) {
	var out Activity
	err := decode(ctx, http.MethodGet, p.admin, "/activity", &out)
	return out, err
}
