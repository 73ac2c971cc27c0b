// Package policy holds cache eviction policies. The same code runs in the
// broker's block cache and in the simulator, so that a miss ratio found on a
// trace is one the broker would have had.
//
// A policy keeps order, never bytes: the driver owns the data and asks who
// should go. For each request the driver does what libCacheSim's does:
//
//	if p.Access(r) { serve; done }          // hit
//	MakeRoom(p, capacity, r, drop)          // Evict until r fits
//	p.Insert(r)                             // then fetch
//
// Every miss is inserted; there is no admission and no warm-up outside the
// policies themselves. Sizes are in whatever unit the capacity is in: bytes,
// or 1 for each object.
//
// One file per policy: it registers itself, and nothing else names it.
package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Key names what is cached: a block by its object and its position in it. In
// a trace that has plain ids the position is 0.
type Key struct {
	Object   int64
	Position int64
}

// Request is one request for a block.
type Request struct {
	Key  Key
	Size int64 // in the capacity's unit, at least 1; the same at each request for a key
	Now  int64 // logical or real time, never going back; policies with a clock use it
	// Next is the time of the next request for the key, math.MaxInt64 for
	// never. Only a simulator knows it and only Belady's policy reads it.
	Next int64
}

// Policy decides which resident block is evicted. Methods are called by one
// goroutine at a time, do no I/O and allocate nothing once the policy's tables
// have grown to their working size.
type Policy interface {
	// Access notes a request and reports whether its key is resident. After a
	// miss the driver evicts until the block fits and calls Insert, or it does
	// neither.
	Access(r Request) bool
	// Insert makes the key resident. It must not be resident already. Insert
	// does not evict: the driver has made room before.
	Insert(r Request)
	// Evict picks the block that has to go so that r can be inserted, and
	// forgets it as resident (a policy may remember its key). false: nothing
	// is resident.
	Evict(r Request) (Key, bool)
	// Remove forgets a key completely: its data is gone or was never got. A key
	// that is not resident is not an error.
	Remove(k Key)
	// Used is the sum of the sizes of what is resident.
	Used() int64
}

// MakeRoom evicts until r fits into the capacity and tells drop each key that
// goes. It reports false when r is larger than the capacity; then nothing is
// evicted and r must not be inserted.
func MakeRoom(p Policy, capacity int64, r Request, drop func(Key)) bool {
	if r.Size > capacity {
		return false
	}
	for p.Used()+r.Size > capacity {
		k, ok := p.Evict(r)
		if !ok {
			panic(fmt.Sprintf("policy %T: %d in use and nothing to evict", p, p.Used()))
		}
		drop(k)
	}
	return true
}

// New makes the policy of that name for a cache of the given capacity. An
// unknown name is an error that lists the known ones.
func New(name string, capacity int64) (Policy, error) {
	f, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	return f(capacity), nil
}

// Lookup returns the constructor of the policy of that name.
func Lookup(name string) (func(capacity int64) Policy, error) {
	f, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("unknown cache policy %q (known: %s)", name, strings.Join(Names(), ", "))
	}
	return f, nil
}

// Names lists the registered policies in alphabetical order.
func Names() []string {
	names := make([]string, 0, len(registry))
	for n := range registry {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// registry is filled by the init functions of the policies' files and only
// read afterwards.
var registry = map[string]func(capacity int64) Policy{}

func register(name string, f func(capacity int64) Policy) {
	if _, dup := registry[name]; dup {
		panic("policy registered twice: " + name)
	}
	registry[name] = f
}
