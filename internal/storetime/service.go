// Package storetime says how long an object store takes and what it charges: a
// pure function of the arrivals and a seed. The modelled store of the broker
// (broker/objstore/model) and the simulator of caches (cacheexp/timed) both ask
// it, so that what one of them found holds for the other.
//
//	Queue.Arrive(now, Read, key) ─▶ time to the first byte, or 503
//	Service.Transfer(bytes)      ─▶ time of the bytes behind it
//	Service.Price                ─▶ dollars a request and a gigabyte
//
// Latency is lognormal, by operation. A request beyond the rate of its prefix
// is answered 503, and so is a set share of all of them. Every result made with
// it is simulated and has to say so.
package storetime

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Latency is lognormal. The modelled volumes of iopath/model draw theirs from it
// too.
type Latency struct{ P50, P99 time.Duration }

// Service is what a store promises and how long it takes. A field at zero sets
// no limit and takes no time.
type Service struct {
	// Name is the preset's, printed in results.
	Name string
	// Get is the time until the first byte of a GET or HEAD, Put that until the
	// answer to a PUT whose body has arrived, and to everything else.
	Get, Put Latency
	// Bandwidth of one connection, bytes a second. A request has its own.
	Bandwidth int64
	// Gets and Puts are requests a second and prefix; more are answered 503.
	Gets, Puts int64
	// Burst is how far ahead of these rates an idle prefix may run.
	Burst time.Duration
	// PrefixBytes is how many bytes of a key make its prefix. 0: all keys have
	// one, like a new bucket, which S3 has not split yet.
	PrefixBytes int
	// SlowDown is the share of all requests answered 503, from 0 to 1.
	SlowDown float64
	// Price of requests and of what they carry.
	Price Price
}

// Price is what a store charges, in dollars. Storage is not in it: it does not
// depend on who reads.
type Price struct {
	Get, Put float64 // of a million requests
	Down     float64 // of a GB (10^9 bytes) read
	Up       float64 // of a GB written
}

// PricesOf is the day from which the list prices below hold: us-east-1, within
// the region.
const PricesOf = "2025-04-10"

// presets. The rates are what AWS documents for a prefix; the latencies and
// the bandwidth are guesses until they are calibrated on EC2, and are printed
// with every result.
var presets = map[string]Service{
	"s3-standard": {
		Get: Latency{30 * time.Millisecond, 150 * time.Millisecond}, Put: Latency{60 * time.Millisecond, 300 * time.Millisecond},
		Bandwidth: 80 << 20, Gets: 5500, Puts: 3500, Burst: time.Second,
		Price: Price{Get: 0.40, Put: 5},
	},
	"s3-express": {
		Get: Latency{4 * time.Millisecond, 10 * time.Millisecond}, Put: Latency{6 * time.Millisecond, 15 * time.Millisecond},
		Bandwidth: 80 << 20, Gets: 5500, Puts: 3500, Burst: time.Second,
		Price: Price{Get: 0.03, Put: 1.13, Down: 0.0006, Up: 0.0032},
	},
}

// Names of the presets, sorted.
func Names() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset returns the service of a name.
func Preset(name string) (Service, error) {
	s, ok := presets[name]
	if !ok {
		return Service{}, fmt.Errorf("store model %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	s.Name = name
	return s, nil
}

// Validate reports every fault at once.
func (s Service) Validate() error {
	var faults []error
	for what, l := range map[string]Latency{"GET": s.Get, "PUT": s.Put} {
		if l.P50 < 0 || l.P99 < l.P50 {
			faults = append(faults, fmt.Errorf("%s p50 %v, p99 %v: want 0 ≤ p50 ≤ p99", what, l.P50, l.P99))
		}
	}
	if s.Bandwidth < 0 || s.Gets < 0 || s.Puts < 0 || s.Burst < 0 || s.PrefixBytes < 0 {
		faults = append(faults, errors.New("want no negative number"))
	}
	if !(s.SlowDown >= 0 && s.SlowDown <= 1) {
		faults = append(faults, fmt.Errorf("share of 503s %v: from 0 to 1", s.SlowDown))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("store model %s: %w", s.Name, err)
	}
	return nil
}

// String prints the service with its guesses, as results quote it.
func (s Service) String() string {
	return fmt.Sprintf("%s (guesses: GET p50 %v, p99 %v, PUT p50 %v, p99 %v, %gMiB/s a connection; %d GET/s and %d PUT/s a prefix, %g %% 503)",
		s.Name, s.Get.P50, s.Get.P99, s.Put.P50, s.Put.P99, float64(s.Bandwidth)/(1<<20), s.Gets, s.Puts, 100*s.SlowDown)
}

// Transfer is how long so many bytes take on a connection.
func (s Service) Transfer(n int64) time.Duration {
	if s.Bandwidth == 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(s.Bandwidth) * float64(time.Second))
}

// USD is what so many GETs of so many bytes cost.
func (p Price) USD(gets, bytes int64) float64 {
	return float64(gets)*p.Get/1e6 + float64(bytes)*p.Down/1e9
}

// z99 is the standard normal distribution's 99th percentile.
const z99 = 2.3263478740408408

// Draw takes the median times e^(σ·normal), with σ such that P99 is where it
// should be.
func (l Latency) Draw(rng *rand.Rand) time.Duration {
	if l.P50 == 0 {
		return 0
	}
	sigma := math.Log(float64(l.P99)/float64(l.P50)) / z99
	return time.Duration(float64(l.P50) * math.Exp(sigma*rng.NormFloat64()))
}
