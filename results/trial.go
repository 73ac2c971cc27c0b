package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
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
