package matrix

import (
	"time"

	"github.com/tidelog/tide/results"
)

// Progress of a plan in a directory.
type Progress struct {
	Done     int             `json:"done"`    // those that are INVALID among them
	Invalid  int             `json:"invalid"` // have run, and must not be averaged
	Failed   int             `json:"failed"`  // are tried again
	Left     int             `json:"left"`    // those that failed among them
	Estimate time.Duration   `json:"estimate_ns"`
	Keys     map[string]bool `json:"-"` // of those that are done
}

// Status looks at a directory without changing it; one that is not there yet
// has nothing done.
func (p Plan) Status(out string) Progress {
	run, err := results.LoadMatrix(out)
	if err != nil || !run.Header.Same(p.Header()) {
		run = &results.MatrixRun{}
	}
	return p.progress([]*results.MatrixRun{run})
}

// progress over directories, each of which may hold some of the trials.
func (p Plan) progress(runs []*results.MatrixRun) Progress {
	s := Progress{Keys: map[string]bool{}}
	good, failed, invalid := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, run := range runs {
		for _, t := range run.Trials {
			switch {
			case t.Error == "":
				s.Keys[t.Key()], good[t.Key()] = true, true
			case t.Invalid():
				s.Keys[t.Key()], invalid[t.Key()] = true, true
			default:
				failed[t.Key()] = true
			}
		}
	}
	for _, t := range p.Trials {
		k := t.key()
		switch {
		case s.Keys[k]:
			s.Done++
			s.Invalid += count(invalid[k] && !good[k])
		default:
			s.Left++
			s.Failed += count(failed[k])
		}
	}
	s.Estimate = p.Estimate(s.Keys)
	return s
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// StatusOf adds up the directories of several shards.
func (p Plan) StatusOf(dirs []string) Progress {
	var runs []*results.MatrixRun
	for _, d := range dirs {
		if run, err := results.LoadMatrix(d); err == nil && run.Header.Same(p.Header()) {
			runs = append(runs, run)
		}
	}
	return p.progress(runs)
}
