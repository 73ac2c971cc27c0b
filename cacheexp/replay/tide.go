package replay

import (
	"bufio"

	"github.com/tidelog/tide/cacheexp/trace"
)

// tideSource reads what a broker has recorded: the readers' requests for
// blocks. What was prefetched, and indexes, are left out, for a simulated cache
// has its own.
type tideSource struct {
	in *trace.Reader
	fill
}

func newTide(r *bufio.Reader) (Source, error) {
	in, err := trace.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &tideSource{in: in}, nil
}

// Read implements Source.
func (s *tideSource) Read(dst []Request) (int, error) { return s.read(dst, s.next) }

func (s *tideSource) next(r *Request) error {
	for {
		a, err := s.in.Next()
		if err != nil {
			return err
		}
		if a.Kind.Demand() {
			*r = Request{Access: a, Next: Unknown}
			return nil
		}
	}
}

// Lost is how many accesses the recording says that it lacks, so far.
func (s *tideSource) Lost() int64 { return s.in.Lost() }
