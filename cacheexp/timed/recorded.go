package timed

import (
	"errors"
	"fmt"
	"io"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Replayed is what a policy did with a recording.
type Replayed struct {
	Hits, Misses int64 // of readers' requests; a rescue is a miss of the policy's
	Rescues      int64 // of the misses, those that cost the broker no GET
	Inserted     int64 // blocks that came in ahead of readers
	// Differences are items with which the policy did something else than in the
	// broker. First describes the first of them.
	Differences int64
	First       string
}

// Recorded tells a policy of the given capacity, in bytes of the cache's memory,
// what the block cache told its own one, and compares the answers with those that
// the recording holds:
//
//	hit       Access finds it
//	miss      Access does not; then room is made, and it is inserted
//	rescue    the same, though the bytes were still there
//	prefetch  room is made, and it is inserted
//	refused   Access, and nothing else
//	drop      Remove
//	pushed    Evict gives this very block, once room is made for the next one
//
// When readers ask, when loads ahead begin and when blocks are let go comes from
// the recording: it depends on clocks and consumers. What is hit, missed and sent
// away is the policy's, and the same as in the broker if the policy and its
// capacity are: no difference at all, if nothing of the recording was lost.
func Recorded(s Source, name string, capacity int64) (Replayed, error) {
	p, err := policy.New(name, capacity)
	if err != nil {
		return Replayed{}, err
	}
	r := recorded{policy: p, capacity: capacity}
	for n := int64(0); ; n++ {
		a, err := s.Next()
		if errors.Is(err, io.EOF) {
			return r.out, nil
		}
		if err != nil {
			return r.out, err
		}
		r.item(n, a)
	}
}

type recorded struct {
	policy   policy.Policy
	capacity int64
	pushed   []policy.Key // by the block that comes in next
	out      Replayed
}

func (r *recorded) item(n int64, a trace.Access) {
	q := policy.Request{Key: policy.Key{Object: a.Object, Position: a.Position}, Size: int64(a.Pages) * trace.PageSize, Now: a.Time}
	if a.Pages == 0 {
		q.Size = int64(a.Size)
	}
	switch a.Kind {
	case trace.Hit, trace.Miss, trace.Rescue:
		r.request(n, a.Kind, q)
	case trace.Prefetch:
		r.out.Inserted++
		r.insert(n, q)
	case trace.Refused:
		r.policy.Access(q)
	case trace.Drop:
		r.policy.Remove(q.Key)
	case trace.Pushed:
		r.pushed = append(r.pushed, q.Key)
	default: // an index, or a block that came into being: no business of the policy's
	}
}

func (r *recorded) request(n int64, kind trace.Kind, q policy.Request) {
	hit := r.policy.Access(q)
	if hit != (kind == trace.Hit) {
		r.differs(n, "the recording has a %v of object %d at %d, found resident: %v", kind, q.Key.Object, q.Key.Position, hit)
	}
	if hit {
		r.out.Hits++
		return
	}
	r.out.Misses++
	if kind == trace.Rescue {
		r.out.Rescues++
	}
	r.insert(n, q)
}

func (r *recorded) insert(n int64, q policy.Request) {
	fits := policy.MakeRoom(r.policy, r.capacity, q, func(policy.Key) {})
	for _, want := range r.pushed {
		if k, ok := r.policy.Evict(q); !ok || k != want {
			r.differs(n, "pushed out is object %d at %d, in the recording %d at %d", k.Object, k.Position, want.Object, want.Position)
		}
	}
	r.pushed = r.pushed[:0]
	if fits {
		r.policy.Insert(q)
	}
}

func (r *recorded) differs(n int64, format string, args ...any) {
	if r.out.Differences++; r.out.Differences == 1 {
		r.out.First = fmt.Sprintf("item %d: ", n) + fmt.Sprintf(format, args...)
	}
}
