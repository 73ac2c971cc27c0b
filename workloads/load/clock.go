package load

import "time"

// Clock gives nanoseconds since the Unix epoch that advance with the
// monotonic clock, so that differences are never bent by a clock that is set
// while a trial runs. One Clock serves all producers and consumers of a trial.
type Clock struct {
	base time.Time
	zero int64 // base, in ns since the epoch
}

// NewClock reads the wall clock once.
func NewClock() *Clock {
	t := time.Now()
	return &Clock{base: t, zero: t.UnixNano()}
}

// Now is the present in nanoseconds since the epoch. About 50 ns.
func (c *Clock) Now() int64 { return c.zero + int64(time.Since(c.base)) }

// Drift is how far the wall clock has moved against the monotonic one since
// NewClock. It harms nothing within one process; a result records it because
// it would harm end-to-end times between hosts.
func (c *Clock) Drift() time.Duration {
	// Round(0) drops the monotonic reading, so Sub compares wall clocks.
	return time.Now().Round(0).Sub(c.base.Round(0)) - time.Since(c.base)
}
