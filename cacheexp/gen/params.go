package gen

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
)

// params are a spec's. Each that is read has a default and bounds; faults are
// kept until check.
type params struct {
	values url.Values
	known  []string
	faults []error
}

func parse(query string) (*params, error) {
	v, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	p := &params{values: v}
	for key, all := range v {
		if len(all) > 1 {
			p.fault("%s is given %d times", key, len(all))
		}
	}
	return p, nil
}

// check reports every fault at once, keys that nobody has read among them.
func (p *params) check() error {
	for key := range p.values {
		if !slices.Contains(p.known, key) {
			p.fault("unknown key %q (known: %s)", key, strings.Join(p.known, ", "))
		}
	}
	slices.SortFunc(p.faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(p.faults...)
}

func (p *params) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(format, args...))
}

// text of a key, or nothing.
func (p *params) text(key string) (string, bool) {
	if !slices.Contains(p.known, key) {
		p.known = append(p.known, key)
	}
	return p.values.Get(key), p.values.Has(key)
}

func (p *params) word(key, byDefault string, allowed ...string) string {
	text, given := p.text(key)
	if !given {
		return byDefault
	}
	if !slices.Contains(allowed, text) {
		p.fault("%s=%s: want %s", key, text, strings.Join(allowed, ", "))
	}
	return text
}

func (p *params) float(key string, byDefault, least, most float64) float64 {
	text, given := p.text(key)
	if !given {
		return byDefault
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= least && v <= most) {
		p.fault("%s=%s: want a number from %g to %g", key, text, least, most)
	}
	return v
}

// count takes 1e6, too.
func (p *params) count(key string, byDefault, least, most int64) int64 {
	v := p.float(key, float64(byDefault), float64(least), float64(most))
	if v != float64(int64(v)) {
		p.fault("%s=%g: want a whole number", key, v)
	}
	return int64(v)
}

func (p *params) seed() uint64 { return uint64(p.count("seed", 1, 0, 1<<53)) }

func (p *params) bytes(key string, byDefault, least, most int64) int64 {
	text, given := p.text(key)
	if !given {
		return byDefault
	}
	n, err := units.ParseSize(strings.TrimSuffix(text, "/s"))
	if err != nil || n < least || n > most {
		p.fault("%s=%s: want a size from %s to %s", key, text, units.Size(least), units.Size(most))
	}
	return n
}

func (p *params) duration(key string, byDefault, least, most time.Duration) time.Duration {
	text, given := p.text(key)
	if !given {
		return byDefault
	}
	d, err := units.ParseDuration(text)
	if err != nil || d < least || d > most {
		p.fault("%s=%s: want a time from %v to %v", key, text, least, most)
	}
	return d
}

// Bounds of blocks, bytes.
const (
	leastBlock = 4 << 10
	mostBlock  = 64 << 20
)

// sizes are those of blocks, "64KiB..1MiB" or one for all.
func (p *params) sizes(seed uint64) sizes {
	const key = "block"
	s := sizes{seed: seed, least: 64 << 10, most: 1 << 20}
	text, given := p.text(key)
	if !given {
		return s
	}
	low, high, isRange := strings.Cut(text, "..")
	if !isRange {
		high = low
	}
	var errs [2]error
	s.least, errs[0] = units.ParseSize(low)
	s.most, errs[1] = units.ParseSize(high)
	if errors.Join(errs[:]...) != nil || s.least < leastBlock || s.most > mostBlock || s.least > s.most {
		p.fault("%s=%s: want SIZE or SIZE..SIZE from %s to %s", key, text, units.Size(leastBlock), units.Size(mostBlock))
	}
	return s
}

// sizes gives each block one, as likely as any other in the range.
type sizes struct {
	seed        uint64
	least, most int64
}

// of block n of a stream. It depends on nothing else, so that no size has to be
// remembered.
func (s sizes) of(stream, n int64) int32 {
	span := uint64(s.most - s.least + 1)
	return int32(s.least + int64(mix(s.seed^mix(uint64(stream)^mix(uint64(n))))%span))
}

// mean in bytes.
func (s sizes) mean() int64 { return (s.least + s.most) / 2 }

// mix is the finaliser of splitmix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
