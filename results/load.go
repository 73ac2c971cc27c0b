package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Trial is a directory that was read.
type Trial struct {
	Dir      string
	Run      Run
	Env      Env
	Logs     [SeriesCount][]Interval
	Missing  []Series // that were wanted, and have no file although every trial writes one
	Timeline Timeline
}

// Load reads a directory that Finish has completed, with the logs of the series
// that are wanted, or all. Every error names the file. A log that is missing is
// none but that of the response times, without which there is nothing to quote:
// it is read whatever is wanted, and held against what was counted.
func Load(dir string, want ...Series) (*Trial, error) {
	t := &Trial{Dir: dir}
	if err := readJSON(filepath.Join(dir, "run.json"), &t.Run); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not a finished trial: %w", dir, err)
		}
		return nil, err
	}
	if t.Run.Schema != SchemaVersion {
		return nil, fmt.Errorf("%s: run.json has schema %d, this program reads %d: use the tide that wrote it", dir, t.Run.Schema, SchemaVersion)
	}
	env := filepath.Join(dir, "env.json")
	if err := readJSON(env, &t.Env); err != nil {
		return nil, missing(env, err)
	}
	if err := t.loadLogs(want); err != nil {
		return nil, err
	}
	if err := t.checkCounts(); err != nil {
		return nil, err
	}
	return t, missing(filepath.Join(dir, "timeline.csv"), t.loadTimeline())
}

// loadLogs of the series that are wanted, or all. One that is there and broken
// is an error: it would be drawn as something else than was measured.
func (t *Trial) loadLogs(want []Series) error {
	for s := range SeriesCount {
		if len(want) > 0 && s != ProduceResponse && !slices.Contains(want, s) {
			continue
		}
		path := filepath.Join(t.Dir, s.file())
		log, err := ReadHlog(path)
		switch {
		case err == nil:
			t.Logs[s] = log
		case s == ProduceResponse || !errors.Is(err, fs.ErrNotExist):
			return missing(path, err)
		case !s.optional():
			t.Missing = append(t.Missing, s)
		}
	}
	return nil
}

// Warnings travel with the numbers: those of the run, and what is missing in the
// directory that it was read from.
func (t *Trial) Warnings() []Finding {
	out := slices.Clone(t.Run.Warnings)
	if f, some := t.Incomplete(); some {
		out = append(out, f)
	}
	return out
}

// Incomplete names the logs that are missing; false when all are there.
func (t *Trial) Incomplete() (f Finding, some bool) {
	if len(t.Missing) == 0 {
		return Finding{}, false
	}
	var files []string
	for _, s := range t.Missing {
		files = append(files, s.file())
	}
	return Finding{
		"missing in the trial's folder: " + strings.Join(files, ", "),
		"what is made of them is left out; restore them from a copy, or run the trial again",
	}, true
}

// checkCounts holds what the log of response times has against what was counted:
// a file that lost whole lines, at its end or anywhere, would give percentiles of
// the rest without a word.
func (t *Trial) checkCounts() error {
	acked, counted := t.Run.Counters["load.acked"]
	if !counted {
		return nil
	}
	var logged int64
	for _, i := range t.Logs[ProduceResponse] {
		logged += i.Hist.TotalCount()
	}
	if logged == acked {
		return nil
	}
	path := filepath.Join(t.Dir, ProduceResponse.file())
	return &BrokenFile{path, 0, fmt.Errorf("it holds the times of %d records, and %d were acknowledged", logged, acked)}
}

// missing adds the remedy to the error of a file that every trial has.
func missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &BrokenFile{path, 0, errors.New("the file is missing")}
	}
	return err
}

func (t *Trial) loadTimeline() error {
	path := filepath.Join(t.Dir, "timeline.csv")
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var line int
	if t.Timeline, line, err = readTimeline(f); err != nil {
		return &BrokenFile{path, line, err}
	}
	return nil
}

// Merged is all intervals of a series in one histogram; phase "" takes every
// phase.
func (t *Trial) Merged(s Series, phase string) *hdrhistogram.Histogram {
	sum := NewHistogram()
	for _, i := range t.Logs[s] {
		if phase == "" || i.Phase == phase {
			i.Hist.AddTo(sum)
		}
	}
	return sum
}

// Phase finds a phase by name.
func (t *Trial) Phase(name string) (Phase, bool) {
	for _, p := range t.Run.Phases {
		if p.Name == name {
			return p, true
		}
	}
	return Phase{}, false
}
