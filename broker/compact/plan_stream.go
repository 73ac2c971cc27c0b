package compact

import (
	"slices"

	"github.com/tidelog/tide/broker/meta"
)

// unit is the ranges [from, to) of a stream that lie in one object.
type unit struct {
	object   meta.Object
	from, to int
	bytes    int64
}

func (p *planner) units(s meta.Stream) []unit {
	var out []unit
	for i, r := range s.Ranges {
		if n := len(out); n > 0 && out[n-1].object.ID == r.ObjectID {
			out[n-1].to, out[n-1].bytes = i+1, out[n-1].bytes+p.bytes(r)
			continue
		}
		out = append(out, unit{p.objects[r.ObjectID], i, i + 1, p.bytes(r)})
	}
	return out
}

// streamJobs adds the merges of one stream's small objects.
func (p *planner) streamJobs(out []job, s meta.Stream, taken map[int64]bool) []job {
	var cur []unit // begins with an object of the stream alone
	total := int64(0)
	flush := func() {
		if own := ownUnits(cur); len(own) > 1 && (p.old(own[1].object) || len(cur) == maxSources) {
			out = append(out, job{stream: true, runs: []run{p.run(s, cur[0].from, own[len(own)-1].to)}})
		}
		cur, total = nil, 0
	}
	for _, u := range p.units(s) {
		set := u.object.Kind == meta.KindStreamSet
		if taken[u.object.ID] || p.bad[u.object.ID] || u.bytes >= p.cfg.Target || (set && len(cur) == 0) {
			flush()
			continue
		}
		cur, total = append(cur, u), total+u.bytes
		if total >= p.cfg.Target {
			out = append(out, job{stream: true, runs: []run{p.run(s, cur[0].from, u.to)}})
			cur, total = nil, 0
		} else if len(cur) == maxSources {
			flush()
		}
	}
	flush()
	return out
}

func ownUnits(us []unit) []unit {
	return slices.DeleteFunc(slices.Clone(us), func(u unit) bool { return u.object.Kind == meta.KindStreamSet })
}
