package compact

import "github.com/tidelog/tide/broker/meta"

// placer deals the runs of a job out to outputs.
type placer struct {
	cfg   Config
	load  func(id int64) (*source, error) // gives a source with its index
	judge func(id int64, err error) error // notes a source that is not what it should be
	done  func(*output) error             // takes an output that is complete
	set   *output                         // the stream-set object that is being filled
}

// place gives a run objects of its own as far as it is large, and puts what is
// left into the stream-set object.
func (p *placer) place(r run, own bool) error {
	sizes := rangeSizes(r)
	for len(r.ranges) > 0 {
		n, bytes := prefix(sizes, p.cfg.Target)
		if own { // planned as one object
			n, bytes = len(r.ranges), r.bytes
		}
		if !own && bytes < p.cfg.streamMin() {
			return p.intoSet(r, sizes)
		}
		o := newOutput(meta.KindStream)
		if err := p.fill(o, r, sizes, n); err != nil {
			return err
		}
		if err := p.finish(o); err != nil {
			return err
		}
		r.ranges, sizes, r.bytes = r.ranges[n:], sizes[n:], r.bytes-bytes
	}
	return nil
}

// rangeSizes are the bytes of each range, where they are not known in equal parts.
func rangeSizes(r run) []int64 {
	out := make([]int64, len(r.ranges))
	known, unknown := int64(0), 0
	for i, x := range r.ranges {
		if out[i] = x.Bytes; x.Bytes == 0 {
			unknown++
		}
		known += x.Bytes
	}
	for i := range out {
		if out[i] == 0 {
			out[i] = max(r.bytes-known, 0) / int64(unknown)
		}
	}
	return out
}

// prefix is how many of the sizes reach the target together, all if they do not.
func prefix(sizes []int64, target int64) (n int, sum int64) {
	for n < len(sizes) && sum < target {
		sum += sizes[n]
		n++
	}
	return n, sum
}

func (p *placer) intoSet(r run, sizes []int64) error {
	if p.set == nil {
		p.set = newOutput(meta.KindStreamSet)
	}
	if err := p.fill(p.set, r, sizes, len(r.ranges)); err != nil {
		return err
	}
	if p.set.batches < p.cfg.Target {
		return nil
	}
	return p.flush()
}

// flush completes the stream-set object, when there is one.
func (p *placer) flush() error {
	o := p.set
	p.set = nil
	if o == nil {
		return nil
	}
	return p.finish(o)
}

func (p *placer) fill(o *output, r run, sizes []int64, n int) error {
	for i, x := range r.ranges[:n] {
		src, err := p.load(x.ObjectID)
		if err != nil {
			return err
		}
		if err := o.add(p.cfg, r.stream, x, sizes[i], src); err != nil {
			return p.judge(x.ObjectID, err)
		}
	}
	return nil
}

// finish hands an output on. One without any batch cannot be an object: its
// ranges stay where they are.
func (p *placer) finish(o *output) error {
	if len(o.entries) == 0 {
		return nil
	}
	return p.done(o)
}
