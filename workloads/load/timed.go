package load

// Timed is the response time of one acknowledged record, and when the
// acknowledgement came: from both follows what else was going on meanwhile.
type Timed struct {
	At       int64 // ns of the Clock
	Response int64 // ns
}

// maxTimed is how many a shard keeps between two takes: 16 MiB of them, a
// second's worth at four million records a second over all shards.
const maxTimed = 1 << 20

// timed is what a shard keeps of single records, where it is wanted.
type timed struct {
	keep bool
	list []Timed // at most maxTimed
	lost int64
}

// KeepTimed says whether the times of single records are kept from now on. They
// are to be taken once a second, and cost 16 bytes each until then.
func (r *Recorder) KeepTimed(keep bool) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.timed.keep = keep
		s.mu.Unlock()
	}
}

func (t *timed) add(at, response int64) {
	switch {
	case !t.keep:
	case len(t.list) < maxTimed:
		t.list = append(t.list, Timed{at, response})
	default:
		t.lost++
	}
}

// drain moves what is kept; the shard's memory is used again.
func (t *timed) drain(out *Interval) {
	out.Timed = append(out.Timed, t.list...)
	out.TimedLost += t.lost
	t.list, t.lost = t.list[:0], 0
}
