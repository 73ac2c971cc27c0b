package load

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// calm makes this process fit to keep a schedule, for as long as one is kept.
//
// The pacer comes back from each sleep as from any system call: it needs one of
// the runtime's processors, and when all of them are busy it waits until one
// yields, up to 10 ms. One more than there are cores leaves it one, and the
// kernel, which prefers a thread that has slept, finds it a core. The collector
// runs more rarely: a load has a small heap and makes much garbage, so that the
// default would have it run several times a second, each time beside the load.
//
// Both are settings of the whole process. They are taken back when the last
// schedule has ended.
var calm struct {
	sync.Mutex
	holders int   // guarded by the mutex
	percent int   // guarded by the mutex: GOGC before
	limit   int64 // guarded by the mutex: GOMEMLIMIT before
}

const (
	calmPercent = 400     // heap growth between collections, percent
	calmMemory  = 2 << 30 // beyond it the collector runs more often again, bytes
)

func holdCalm() {
	calm.Lock()
	defer calm.Unlock()
	if calm.holders++; calm.holders > 1 {
		return
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	calm.percent = debug.SetGCPercent(calmPercent)
	calm.limit = debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), calmMemory))
}

func releaseCalm() {
	calm.Lock()
	defer calm.Unlock()
	if calm.holders--; calm.holders > 0 {
		return
	}
	runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)-1))
	debug.SetGCPercent(calm.percent)
	debug.SetMemoryLimit(calm.limit)
}
