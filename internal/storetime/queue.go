package storetime

import (
	"math/rand/v2"
	"time"
)

// Kind is how S3 counts a request.
type Kind int

// The kinds: GET and HEAD, and all others.
const (
	Read Kind = iota
	Write
)

// Queue says what each request meets. It knows no clock: times are since
// whatever beginning the caller chose. It is not safe for concurrent use.
type Queue struct {
	service  Service
	rng      *rand.Rand
	prefixes map[string]*[2]bucket // bounded by maxPrefixes
}

// maxPrefixes bounds how many prefixes are remembered. Beyond it all begin
// anew, as idle ones.
const maxPrefixes = 1 << 16

// NewQueue returns the queue of an idle service. The same seed and the same
// arrivals give the same answers.
func NewQueue(s Service, seed uint64) *Queue {
	return &Queue{service: s, rng: rand.New(rand.NewPCG(seed, 0x7469_6465)), prefixes: map[string]*[2]bucket{}}
}

// Arrive takes a request. It returns the time until its first byte, and
// whether it is served: if not, the answer is 503.
func (q *Queue) Arrive(now time.Duration, kind Kind, key string) (first time.Duration, served bool) {
	limit, latency := q.service.Gets, q.service.Get
	if kind == Write {
		limit, latency = q.service.Puts, q.service.Put
	}
	first = latency.Draw(q.rng)
	unlucky := q.service.SlowDown > 0 && q.rng.Float64() < q.service.SlowDown
	return first, q.prefix(key)[kind].take(now, limit, q.service.Burst) && !unlucky
}

func (q *Queue) prefix(key string) *[2]bucket {
	p := key[:min(len(key), q.service.PrefixBytes)]
	b := q.prefixes[p]
	if b == nil {
		if len(q.prefixes) >= maxPrefixes {
			clear(q.prefixes)
		}
		b = &[2]bucket{}
		q.prefixes[p] = b
	}
	return b
}

// Backoff is the wait before the n-th repetition, from 1, as the SDK's
// retryer has it: a random share of 2^n seconds, and of most at most.
func (q *Queue) Backoff(n int, most time.Duration) time.Duration {
	return time.Duration(q.rng.Float64() * float64(min(most, time.Second<<min(n, 30))))
}

// bucket of tokens as the time at which all that was taken is paid for.
type bucket struct{ paid time.Duration }

// take takes a token if one is there.
func (b *bucket) take(now time.Duration, perSecond int64, burst time.Duration) bool {
	if perSecond == 0 {
		return true
	}
	if b.paid > now+burst {
		return false
	}
	b.paid = max(now, b.paid) + time.Second/time.Duration(perSecond)
	return true
}
