package session

import (
	"strings"

	"github.com/tidelog/tide/results"
)

// Gauges of the broker's arenas, of what they have resident, in use or not. The
// WAL's buffers are not taken off.
const (
	metricLogCache   = "tide_logcache_resident_bytes"
	metricBlockCache = "tide_blockcache_mapped_bytes"
	metricFrames     = "tide_frames_bytes{" // of large requests, by state
)

// memory is the most of each that any second had, in bytes.
//
//	RSS │ arenas: log cache, block cache, frames │ less arenas: heap, stacks, other buffers │
type memory struct {
	arenas float64 // 0: the target has none that it tells of
	less   float64 // RSS of a second less the arenas of that second
	own    int64   // RSS of this process, the load
}

// add takes what a second was. A dead target has none.
func (m *memory) add(now snapshot) {
	m.own = max(m.own, now.ownRSS)
	if now.usage.RSS == 0 {
		return
	}
	arenas := arenasOf(now.target)
	m.arenas = max(m.arenas, arenas)
	m.less = max(m.less, float64(now.usage.RSS)-arenas)
}

func arenasOf(metrics map[string]float64) float64 {
	var sum float64
	for key, v := range metrics {
		if key == metricLogCache || key == metricBlockCache || strings.HasPrefix(key, metricFrames) {
			sum += v
		}
	}
	return sum
}

// memoryFigures quotes it. The peak of a target without arenas is the kernel's
// own, which no second hides from.
func (s *Session) memoryFigures() {
	mib := func(name string, bytes float64) {
		if bytes > 0 {
			s.figure(name, bytes*mibOf, "MiB")
		}
	}
	u := s.last.usage
	mib(results.FigureRSS, float64(u.PeakRSS))
	mib(results.FigureMemory, float64(u.PeakMemory))
	mib(results.FigureOwnRSS, float64(s.memory.own))
	less := s.memory.less
	if s.memory.arenas == 0 {
		less = float64(u.PeakRSS)
	}
	mib(results.FigureArenas, s.memory.arenas)
	mib(results.FigureRSSLess, less)
}
