package load

import "github.com/tidelog/tide/results"

// Observed judges a reading that has not gone to the end, or while producers
// still send: everything that was read, and what is missing between. What lies
// behind the last record read of each producer is not missed.
func (r *Readers) Observed() results.Verification {
	sum := results.Verification{Done: true}
	for _, sub := range r.subs {
		sum = sum.Plus(sub.observed(r.load.ledger))
	}
	return sum
}

func (v *Verifier) observed(l *Ledger) results.Verification {
	out := results.Verification{Done: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range v.parts {
		p := &v.parts[i]
		p.mu.Lock()
		out.Records += p.out.Records
		out.Bytes += p.out.Bytes
		out.Duplicates += p.out.Duplicates
		out.Reordered += p.out.Reordered
		out.Corrupt += p.out.Corrupt
		out.Foreign += p.out.Foreign
		out.Redelivered += p.out.Redelivered
		for _, g := range p.gaps {
			v.missing(&out, i, g, l)
		}
		p.mu.Unlock()
	}
	out.Expected = out.Records + out.Lost
	out.Overflow = v.over.Load() || l.failures > maxFailures
	v.mu.Lock()
	defer v.mu.Unlock()
	out.Samples = append([]string(nil), v.samples...)
	return out
}
