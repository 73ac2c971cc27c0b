package session

import (
	"context"

	"github.com/tidelog/tide/workloads/target"
)

// Broker is a broker process as a session's target.
type Broker struct{ Process *target.Process }

// Metrics reads the admin port.
func (b Broker) Metrics(ctx context.Context) (target.Metrics, error) {
	return target.ReadMetrics(ctx, b.Process.Admin())
}

// Usage reads /proc.
func (b Broker) Usage() target.Usage { return b.Process.Usage() }

// Remote is something that runs already: it has no counters that a session
// could trust, and no process that it could see.
type Remote struct{}

// Metrics has none.
func (Remote) Metrics(context.Context) (target.Metrics, error) { return nil, nil }

// Usage is not known.
func (Remote) Usage() target.Usage { return target.Usage{} }
