package stream

import (
	"sort"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/meta"
)

// lookAhead is how many objects behind the one being read are shown to the
// prefetcher.
const lookAhead = 4

// route is where a reader of a stream is: the object that holds its offset and
// those that follow. It is made once an object, not once a fetch.
type route struct {
	ranges *meta.Range // the first of those it was made of: the metadata makes others when they change
	count  int         // of these
	at     int         // the one that holds the offset
	refs   []blockcache.ObjectRef
}

// keptRoutes is how many readers of one stream find their route again.
const keptRoutes = 4

// locate returns the object that holds the offset and the ones that follow it.
// The slice must not be changed.
func (s *Stream) locate(offset int64, reader uint64) ([]blockcache.ObjectRef, error) {
	known, ok := s.engine.cfg.Meta.Stream(s.id)
	if !ok {
		return nil, ErrClosed
	}
	kept := &s.routes[reader%keptRoutes]
	if r := kept.Load(); r != nil && r.holds(known.Ranges, offset) {
		return r.refs, nil
	}
	r, err := s.route(known.Ranges, offset)
	if err != nil {
		return nil, err
	}
	kept.Store(r)
	return r.refs, nil
}

// holds tells that the route was made of the same ranges and is good for the
// offset. It holds on to the ranges, so their address is not another's.
func (r *route) holds(ranges []meta.Range, offset int64) bool {
	return len(ranges) == r.count && &ranges[0] == r.ranges && ranges[r.at].Start <= offset && offset < ranges[r.at].End
}

func (s *Stream) route(ranges []meta.Range, offset int64) (*route, error) {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].End > offset })
	r := &route{count: len(ranges), at: i}
	for _, rg := range ranges[i:min(i+1+lookAhead, len(ranges))] {
		o, ok := s.engine.cfg.Meta.Object(rg.ObjectID)
		if !ok {
			break
		}
		r.refs = append(r.refs, blockcache.ObjectRef{ID: o.ID, Key: o.Key, Size: o.Size, IndexPosition: o.IndexPosition, IndexLength: o.IndexLength})
	}
	if len(r.refs) == 0 || ranges[i].Start > offset {
		return nil, errNowhere
	}
	r.ranges = &ranges[0]
	return r, nil
}
