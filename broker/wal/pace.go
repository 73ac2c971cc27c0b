package wal

import "time"

// pace spaces the writes of blocks on a device that accounts for a fixed number
// of I/Os a second, as an EBS volume does. Such a device takes every write at
// once and keeps those beyond its number waiting, where no further record can
// join them; a log that waits itself gathers records meanwhile. On a model of
// gp3 at 3000 IOPS, 107 MB/s of 4 KiB records take 0.97 ms on average with a
// pace and 2.95 ms without (iopath/model, TestAutoMQOnEBS).
//
//	time ──┬────────┬────────┬──▶   one write each 1/IOPS; an idle log saves up
//	     write    write    write    as many as burst, so that little load waits
//	                                for nothing
//
// It is the generic cell rate algorithm: the time up to which all writes are
// paid for. What has landed is paid for in any case: a device that merges writes
// is faster than its number, and a debt that only the log counts would grow as
// long as full blocks come, which wait for nothing. The zero value paces nothing.
type pace struct {
	every time.Duration // between two writes; 0: none
	paid  time.Duration // since the log's epoch
}

const (
	paceBurst = 4         // writes
	paceUnit  = 256 << 10 // bytes: a longer write counts as several (EBS)
)

// ioUnits is how many I/Os a write of n bytes counts as.
func ioUnits(n int64) int64 { return (n + paceUnit - 1) / paceUnit }

func newPace(iops int64) pace {
	if iops <= 0 {
		return pace{}
	}
	return pace{every: time.Second / time.Duration(iops)}
}

// wait is how long the next write has to wait.
func (p *pace) wait(now time.Duration) time.Duration {
	return p.paid - paceBurst*p.every - now
}

// take accounts for a write of n bytes, one of those blocks that are in flight
// with it. The debt never exceeds what as many of its size cost.
func (p *pace) take(now time.Duration, n int64, blocks int) {
	cost := time.Duration(ioUnits(n)) * p.every
	most := now + paceBurst*p.every + time.Duration(blocks)*cost
	p.paid = min(max(p.paid, now)+cost, most)
}

// service follows how long the device takes for a block: a moving average over
// about eight writes. A sample counts for at most four times the average, so
// that a device's hiccup is not taken for its nature.
type service struct{ average time.Duration }

func (s *service) add(took time.Duration) {
	if s.average == 0 {
		s.average = took
	}
	s.average += (min(took, 4*s.average) - s.average) / 8
}

// overlapFrom is how long a write takes on a device on which a second write
// beside it pays: a write costs 25 to 50 µs of CPU, and a hand-off as much.
const overlapFrom = 250 * time.Microsecond

// slow says that a hand-off is little beside a write.
func (s *service) slow() bool { return s.average >= overlapFrom }

// mostBySlowness bounds the depth that the device's time asks for. A device
// that has no more to give makes writes wait, which looks like slowness: without
// a bound, depth would feed on itself. On a model of gp3 with its IOPS not known
// to the log, 64 appenders then wait 11 ms instead of 2.
const mostBySlowness = 4

// depth that the device's time alone asks for; at least 1.
func (s *service) depth() int { return min(1+int(s.average/overlapFrom), mostBySlowness) }
