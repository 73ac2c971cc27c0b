package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Writer fills the directory of one trial while it runs.
type Writer struct {
	dir      string
	start    time.Time
	hlogs    [SeriesCount]*hlogWriter
	timeline *timelineWriter
}

// Create makes the directory and opens its files. A directory that holds a
// trial already is refused: results are never written over.
func Create(dir string, start time.Time, columns []string) (*Writer, error) {
	if _, err := os.Stat(filepath.Join(dir, "run.json")); err == nil {
		return nil, fmt.Errorf("%s holds a trial already", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, start: start}
	var err error
	for s := range FetchService {
		if w.hlogs[s], err = createHlog(dir, s, start); err != nil {
			return nil, errors.Join(err, w.closeFiles())
		}
	}
	if w.timeline, err = createTimeline(dir, columns); err != nil {
		return nil, errors.Join(err, w.closeFiles())
	}
	return w, nil
}

// Dir is the directory of the trial.
func (w *Writer) Dir() string { return w.dir }

// Interval appends one interval to every log; those without a value are left
// out.
func (w *Writer) Interval(start, end time.Time, phase string, hs Histograms) error {
	var errs []error
	for s, h := range hs {
		if h.TotalCount() > 0 {
			errs = append(errs, w.log(Series(s), func(log *hlogWriter) error { return log.write(start, end, phase, h) }))
		}
	}
	return errors.Join(errs...)
}

// log makes the file of an optional series when it is first written to.
func (w *Writer) log(s Series, fn func(*hlogWriter) error) (err error) {
	if w.hlogs[s] == nil {
		if w.hlogs[s], err = createHlog(w.dir, s, w.start); err != nil {
			return err
		}
	}
	return fn(w.hlogs[s])
}

// Row appends one line to the timeline.
func (w *Writer) Row(r Row) error { return w.timeline.write(r) }

// AddFile puts a further file beside the others, such as workload.yaml.
func (w *Writer) AddFile(name string, content []byte) error {
	return os.WriteFile(filepath.Join(w.dir, name), content, 0o644)
}

// Finish judges the run and writes run.json and env.json. run.json comes last:
// a directory without it is a trial that was cut short.
func (w *Writer) Finish(run *Run, env *Env) error {
	run.Schema, run.ID, run.Build = SchemaVersion, filepath.Base(w.dir), Build()
	run.Verdict = Judge(run)
	return errors.Join(
		w.closeFiles(),
		writeJSON(filepath.Join(w.dir, "env.json"), env),
		writeJSON(filepath.Join(w.dir, "run.json"), run),
	)
}

// Abandon closes the files of a trial that failed.
func (w *Writer) Abandon() error { return w.closeFiles() }

func (w *Writer) closeFiles() error {
	var errs []error
	for _, h := range w.hlogs {
		if h != nil {
			errs = append(errs, h.close())
		}
	}
	if w.timeline != nil {
		errs = append(errs, w.timeline.close())
	}
	return errors.Join(errs...)
}

// writeJSON leaves the whole file or none: whoever finds it may be killed and
// started again, and takes a file that is there for a whole one.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Trial is a directory that was read.
type Trial struct {
	Dir      string
	Run      Run
	Env      Env
	Logs     [SeriesCount][]Interval
	Timeline Timeline
}

// Load reads a directory that Finish has completed. Every error names the file.
func Load(dir string) (*Trial, error) {
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
	for s := range SeriesCount {
		path := filepath.Join(dir, s.String()+".hlog")
		var err error
		t.Logs[s], err = ReadHlog(path)
		if err != nil && (!s.optional() || !errors.Is(err, fs.ErrNotExist)) {
			return nil, missing(path, err)
		}
	}
	if err := t.checkCounts(); err != nil {
		return nil, err
	}
	return t, missing(filepath.Join(dir, "timeline.csv"), t.loadTimeline())
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
	path := filepath.Join(t.Dir, ProduceResponse.String()+".hlog")
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
