package load

import "github.com/tidelog/tide/results"

// Reading is what readers saw of the log: all that can be said of it without
// the Ledger of the producers, which may be in another process.
type Reading struct {
	// Seen counts what was read. Nothing in it is lost: that is not known yet.
	Seen results.Verification `json:"seen"`
	// Gaps are what is missing between the records that were read.
	Gaps []Gap `json:"gaps,omitempty"`
	// Of the Clock of the readers' process; 0 when nothing was read.
	First int64 `json:"first_ns"`
	Last  int64 `json:"last_ns"`
}

// Gap is the sequences [From, To) of a producing client that a partition does
// not have, though it has later ones.
type Gap struct {
	Partition int   `json:"partition"`
	Client    int   `json:"client"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
}

// Reading is what these readers saw up to now.
func (r *Readers) Reading() Reading {
	out := Reading{Seen: results.Verification{Done: true}, First: r.first.Load(), Last: r.last.Load()}
	for _, sub := range r.subs {
		one := sub.reading()
		out.Seen, out.Gaps = out.Seen.Plus(one.Seen), append(out.Gaps, one.Gaps...)
	}
	return out
}

func (v *Verifier) reading() Reading {
	out := Reading{Seen: results.Verification{Done: true}}
	for i := range v.parts {
		v.parts[i].into(i, &out)
	}
	out.Seen.Overflow = v.over.Load()
	v.mu.Lock()
	defer v.mu.Unlock()
	out.Seen.Samples = append([]string(nil), v.samples...)
	return out
}

func (p *partitionCheck) into(partition int, out *Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addCounts(&out.Seen)
	for _, g := range p.gaps {
		if g.from < g.to {
			out.Gaps = append(out.Gaps, Gap{partition, g.lane, g.from, g.to})
		}
	}
}

// Observed judges a reading that has not gone to the end, or while producers
// still send: everything that was read, and what is missing between. What lies
// behind the last record read of each client is not missed.
func (l *Load) Observed(r Reading) results.Verification { return r.judge(l.ledger) }

func (r Reading) judge(l *Ledger) results.Verification {
	out := r.Seen
	l.mu.Lock()
	defer l.mu.Unlock()
	var samples Verifier
	for _, g := range r.Gaps {
		samples.missing(&out, g.Partition, gap{g.Client, g.From, g.To}, l)
	}
	out.Expected = out.Records + out.Lost
	out.Overflow = out.Overflow || l.failures > maxFailures
	out.Samples = append(out.Samples, samples.samples...)
	return out
}
