package gen

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tidelog/tide/cacheexp/trace"
)

const (
	mostObjects  = 1 << 30
	mostRequests = 1 << 40
	requestRate  = 10_000 // a second
)

func init() {
	register("zipf", func(p *params) func() func() (trace.Access, bool) {
		alpha := p.float("alpha", 1, 0, 10)
		objects := p.count("objects", 1e6, 1, mostObjects)
		requests := p.count("requests", 1e7, 1, mostRequests)
		every := interval(p)
		seed := p.seed()
		blocks := p.sizes(seed)
		return func() func() (trace.Access, bool) {
			ranks := newRanks(objects, alpha, seed)
			n := int64(0)
			return func() (trace.Access, bool) {
				if n == requests {
					return trace.Access{}, false
				}
				a := single(ranks.next(), blocks, n*every)
				n++
				return a, true
			}
		}
	})
}

// interval between requests, ns. The rate may end in /s, as rates of flags do.
func interval(p *params) int64 {
	if text, given := p.text("rate"); given {
		p.values.Set("rate", strings.TrimSuffix(text, "/s"))
	}
	return int64(float64(time.Second) / p.float("rate", requestRate, 1e-3, 1e9))
}

// single asks for a block that has no place in a stream.
func single(object int64, blocks sizes, at int64) trace.Access {
	return trace.Access{Kind: trace.Miss, Size: blocks.of(0, object), Time: at, Object: object}
}

// ranks draws numbers from 1 to n, k in proportion to 1/k^alpha, by rejection
// inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates
// from monotone discrete distributions", 1996): no table, one or two tries. Go's
// own Zipf wants an alpha above 1.
type ranks struct {
	rng              *rand.Rand
	n                int64
	alpha            float64
	top, bottom, cut float64
}

func newRanks(n int64, alpha float64, seed uint64) *ranks {
	r := &ranks{rng: rand.New(rand.NewPCG(seed, 0x7a697066)), n: n, alpha: alpha}
	r.top, r.bottom = r.area(1.5)-1, r.area(float64(n)+0.5)
	r.cut = 2 - r.inverse(r.area(2.5)-r.weight(2))
	return r
}

func (r *ranks) next() int64 {
	for {
		u := r.bottom + r.rng.Float64()*(r.top-r.bottom)
		x := r.inverse(u)
		k := min(max(int64(x+0.5), 1), r.n)
		if f := float64(k); f-x <= r.cut || u >= r.area(f+0.5)-r.weight(f) {
			return k
		}
	}
}

func (r *ranks) weight(x float64) float64 { return math.Exp(-r.alpha * math.Log(x)) }

// area is the integral of weight from 1 to x.
func (r *ranks) area(x float64) float64 {
	log := math.Log(x)
	if t := (1 - r.alpha) * log; math.Abs(t) > 1e-8 {
		return math.Expm1(t) / t * log
	}
	return log
}

func (r *ranks) inverse(area float64) float64 {
	t := max(area*(1-r.alpha), -1)
	if math.Abs(t) > 1e-8 {
		return math.Exp(math.Log1p(t) / t * area)
	}
	return math.Exp(area)
}
