package wire

import "sync/atomic"

// counters are added to on the hot path, so they are plain atomics.
type counters struct {
	accepted, refused atomic.Int64
	broken            atomic.Int64
	bytesIn, bytesOut atomic.Int64
	writes            atomic.Int64
	answersFull       atomic.Int64
	budgetFull        atomic.Int64
	detached          atomic.Int64
	requests          [maxKey + 1]atomic.Int64
}

// Stats is a snapshot of a server's counters since its start.
type Stats struct {
	Open         int              // connections open now
	Accepted     int64            // connections accepted
	Refused      int64            // connections refused because of a limit
	Broken       int64            // connections closed because of a bad frame, a time limit or an error
	BytesIn      int64            // bytes read
	BytesOut     int64            // bytes written
	Writes       int64            // writes to sockets; BytesOut / Writes tells how well answers are gathered
	AnswersFull  int64            // times a connection stopped reading because of its queue of answers
	BudgetFull   int64            // times a large request waited for Limits.BufferedBytes
	FrameBytes   int64            // buffers of large requests being read or served now
	FrameIdle    int64            // buffers kept for the next ones
	Detached     int64            // writes that took longer than Limits.Hold, so that what was left was copied
	Sessions     int64            // fetch sessions open now
	SessionsMade int64            // fetch sessions opened
	SessionParts int64            // partitions that they have room for
	SessionsFull int64            // fetch sessions refused, or closed, because of a limit
	Requests     map[string]int64 // requests by name of the API key
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	st := Stats{
		Open: len(s.open()), Accepted: s.stats.accepted.Load(), Refused: s.stats.refused.Load(),
		Broken: s.stats.broken.Load(), BytesIn: s.stats.bytesIn.Load(), BytesOut: s.stats.bytesOut.Load(),
		Writes: s.stats.writes.Load(), AnswersFull: s.stats.answersFull.Load(), BudgetFull: s.stats.budgetFull.Load(),
		Detached: s.stats.detached.Load(),
		Requests: make(map[string]int64),
	}
	st.Sessions, st.SessionsMade = s.sessions.open.Load(), int64(s.sessions.last.Load())
	st.SessionParts, st.SessionsFull = s.sessions.parts.Load(), s.sessions.refused.Load()
	memory := s.memory.Stats()
	st.FrameBytes, st.FrameIdle = memory.Lent, memory.Idle
	for _, a := range apis {
		if a != nil {
			st.Requests[a.name] = s.stats.requests[a.key].Load()
		}
	}
	return st
}
