package doctor

import (
	"context"
	"time"
)

// maxClockError is what latencies across hosts may be wrong by.
const maxClockError = time.Millisecond

func init() {
	register(check{order: 40, name: "clock", wanted: "synchronised, estimated error at most 1ms", run: clock})
}

// clock reads what the NTP daemon, whichever it is, has told the kernel. On one
// host nothing depends on it; end-to-end times across hosts do.
func clock(_ context.Context, s *System) answer {
	c, err := s.Clock()
	switch {
	case err != nil:
		return bad(err.Error(), "install chrony")
	case !c.Synchronised:
		return bad("not synchronised", "install and start chrony; needed only for loads and brokers on several hosts")
	case c.Estimated > maxClockError:
		return bad("estimated error "+c.Estimated.String(), "point chrony at a nearer source (on EC2: server 169.254.169.123 prefer iburst)")
	default:
		return fine("synchronised, estimated error %v, at most %v", c.Estimated, c.Maximum)
	}
}
