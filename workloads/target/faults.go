package target

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// faultFlag of tide broker lets its store be made to fail.
const faultFlag = "fault-injection"

// StoreFault is what is done to the store of a target.
type StoreFault string

// What can be done.
const (
	StoreOutage StoreFault = "outage" // every request fails
	StoreSlow   StoreFault = "slow"   // every request is delayed
	StoreSound  StoreFault = "none"   // neither
)

// StoreBreaker is a Running whose store can be made to fail, if its Spec was
// WithFaults.
type StoreBreaker interface {
	// BreakStore replaces what was done before. latency is that of StoreSlow.
	BreakStore(ctx context.Context, do StoreFault, latency time.Duration) error
}

// WithFaults is the target with its store ready to be made to fail; ok is false
// for targets of which it cannot.
func (s Spec) WithFaults() (with Spec, ok bool) {
	if s.Address != "" || s.Kind != Tide && s.Kind != "" {
		return s, false
	}
	s.Flags = maps.Clone(s.Flags)
	if s.Flags == nil {
		s.Flags = map[string]string{}
	}
	s.Flags[faultFlag] = "true"
	return s, true
}

// BreakStore asks the admin port.
func (p *Process) BreakStore(ctx context.Context, do StoreFault, latency time.Duration) error {
	query := url.Values{"do": {string(do)}}
	if do == StoreSlow {
		query.Set("latency", latency.String())
	}
	var answer struct{ Failing bool }
	return decode(ctx, http.MethodPost, p.admin, "/store/fault?"+query.Encode(), &answer)
}
