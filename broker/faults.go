package broker

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
)

// maxFaultLatency of a store that is slow on request.
const maxFaultLatency = 10 * time.Minute

// injectFaults puts a wrapper around the store that fails on request, for
// benchmarks: see Config.FaultInjection. Without it there is none.
func (b *Broker) injectFaults(store objstore.Store) objstore.Store {
	if !b.cfg.FaultInjection {
		return store
	}
	b.log.Warn("--fault-injection: whoever reaches the admin port can make the object store fail")
	b.faults = fault.Wrap(store)
	return b.faults
}

// faultRequest is POST /store/fault?do=…: outage fails every request, slow
// delays each by latency=1s, none ends both.
func (b *Broker) faultRequest(w http.ResponseWriter, r *http.Request) {
	rule, err := faultRule(r.URL.Query().Get("do"), r.URL.Query().Get("latency"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.faults.Clear()
	if rule != nil {
		b.faults.SetAll(*rule)
	}
	b.log.Warn("fault injection: the object store was told to "+r.URL.Query().Get("do"), "latency", r.URL.Query().Get("latency"))
	writeJSON(w, map[string]bool{"failing": rule != nil})
}

// faultRule is nil for none.
func faultRule(do, latency string) (*fault.Rule, error) {
	if latency != "" && do != "slow" {
		return nil, fmt.Errorf("do=%s takes no latency", do)
	}
	switch do {
	case "none":
		return nil, nil
	case "outage":
		return &fault.Rule{Err: fault.ErrInjected}, nil
	case "slow":
		d, err := time.ParseDuration(latency)
		if err != nil || d <= 0 || d > maxFaultLatency {
			return nil, fmt.Errorf("latency=%q: want a time up to %v, as in latency=1s", latency, maxFaultLatency)
		}
		return &fault.Rule{Latency: d}, nil
	}
	return nil, fmt.Errorf("do=%q: want outage, slow or none", do)
}
