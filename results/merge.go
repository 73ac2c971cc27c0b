package results

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// matrixMergeFile of a merged directory says what it was made of.
const matrixMergeFile = "merge.json"

// MatrixSource is one directory that went into a merged matrix.
type MatrixSource struct {
	Name   string `json:"name"` // as the caller names it, such as shard-003-of-010
	Trials int    `json:"trials"`
	Env    Env    `json:"env"`
}

// merged is merge.json. Its warnings are those of every later report.
type merged struct {
	Sources  []MatrixSource `json:"sources"`
	Warnings []string       `json:"warnings"`
}

func (m *MatrixRun) readMerge() error {
	var kept merged
	err := readJSON(filepath.Join(m.Dir, matrixMergeFile), &kept)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m.Sources, m.Warnings = kept.Sources, kept.Warnings
	return err
}

// Part is a directory that may be part of a matrix, and what to call it.
type Part struct{ Name, Dir string }

// FindMatrices are the directories of matrices at or below dir, whole or
// broken, in the order of their names. The trials of a matrix are not looked
// into.
func FindMatrices(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == trialsDir && path != dir {
			return filepath.SkipDir
		}
		if exists(filepath.Join(path, matrixHeaderFile)) || exists(filepath.Join(path, matrixTrialsFile)) {
			found = append(found, path)
		}
		return nil
	})
	return found, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// trialsDir of a matrix holds a directory for each trial that leaves one.
const trialsDir = "trials"

// Merge writes one matrix of many parts into out, which holds none yet, or one
// that is nothing but an earlier merge. The
// parts have to be of one matrix: of want, or of the first one that can be read
// where want is nil. What is broken or of another matrix is left out with a
// warning, which stays in the merged directory, as do the warnings that the
// caller has already. It fails when nothing is left.
func Merge(parts []Part, warnings []string, want *MatrixHeader, out string) (*MatrixRun, error) {
	if exists(filepath.Join(out, matrixHeaderFile)) && !onlyMerged(out) {
		return nil, fmt.Errorf("%s holds a matrix of its own: give another directory with --out", out)
	}
	m := &merger{out: out, want: want, at: map[string]int{}}
	m.Warnings = slices.Clone(warnings)
	for _, p := range parts {
		if sameDir(p.Dir, out) {
			m.warn("%s is where the merge is written, and no part of it", p.Name)
			continue
		}
		m.add(p)
	}
	if len(m.Sources) == 0 {
		return nil, fmt.Errorf("nothing to merge: %s", cmp.Or(strings.Join(m.Warnings, "; "), "no directory was given"))
	}
	m.compareEnvs()
	m.compareMerges()
	return m.write()
}

// sameDir says that two names, relative or through a link, are of one directory.
// A trial copied onto itself would be removed first.
func sameDir(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// onlyMerged says that a directory holds no trial that it did not get by a merge.
func onlyMerged(dir string) bool {
	run, err := LoadMatrix(dir)
	return err == nil && len(run.Sources) > 0 &&
		!slices.ContainsFunc(run.Trials, func(t CellTrial) bool { return t.Source == 0 })
}

// merger is a merge under way.
type merger struct {
	merged
	out    string
	want   *MatrixHeader
	trials []CellTrial
	dirs   []string       // of each trial, to copy what it left
	at     map[string]int // Key → index in trials
	twice  int
}

func (m *merger) warn(format string, args ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, args...))
}

// add takes the trials of a part, or warns.
func (m *merger) add(p Part) {
	run, err := LoadMatrix(p.Dir)
	switch {
	case err != nil:
		m.warn("%s is broken and left out: %s", p.Name, strings.ReplaceAll(err.Error(), p.Dir, p.Name))
		return
	case m.want == nil:
		h := run.Header
		m.want = &h
	case !m.want.Same(run.Header):
		h := run.Header
		m.warn("%s is of another matrix (%s, %d trials, quick %t, seed %d) and left out", p.Name, h.Name, h.Trials, h.Quick, h.Seed)
		return
	}
	for _, w := range run.Warnings {
		m.warn("%s: %s", p.Name, w)
	}
	before := len(m.trials)
	m.Sources = append(m.Sources, MatrixSource{Name: p.Name, Trials: len(run.Trials), Env: run.Env})
	for _, t := range run.Trials {
		t.Source = len(m.Sources)
		m.take(t, p.Dir)
	}
	if len(m.trials) == before {
		m.warn("%s brought nothing new", p.Name)
	}
}

// take keeps of two lines of one trial the good one, or else the earlier.
func (m *merger) take(t CellTrial, dir string) {
	i, again := m.at[t.Key()]
	if !again {
		m.at[t.Key()] = len(m.trials)
		m.trials, m.dirs = append(m.trials, t), append(m.dirs, dir)
		return
	}
	old := m.trials[i]
	if old.Error == "" && t.Error == "" {
		m.twice++
	}
	if better := (old.Error == "") != (t.Error == ""); better && t.Error == "" || !better && t.Started.Before(old.Started) {
		m.trials[i], m.dirs[i] = t, dir
	}
}

// compareEnvs says in which machines the sources differ: a cell's repeats may
// have run on all of them.
func (m *merger) compareEnvs() {
	if m.twice > 0 {
		m.warn("%d trials were there more than once: the first one counts", m.twice)
	}
	seen := map[string]bool{}
	for _, s := range m.Sources[1:] {
		for _, d := range m.Sources[0].Env.differences(s.Env) {
			if !seen[d] {
				seen[d] = true
				m.warn("the sources come from different environments: %s: %s", s.Name, d)
			}
		}
	}
}

// compareMerges says what an earlier merge had there that no part of this one
// has, for it goes.
func (m *merger) compareMerges() {
	run, err := LoadMatrix(m.out)
	if err != nil {
		return
	}
	gone := 0
	for _, t := range run.Trials {
		if _, kept := m.at[t.Key()]; !kept {
			gone++
		}
	}
	if gone > 0 {
		m.warn("an earlier merge had %d trials that are in no part of this one: they are gone from %s; name their parts as well", gone, filepath.Base(m.out))
	}
}

// write copies the trials' directories first and the header last: a directory
// with a header is whole.
func (m *merger) write() (*MatrixRun, error) {
	if err := os.MkdirAll(m.out, 0o755); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(m.out, matrixHeaderFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for i, t := range m.trials {
		if err := m.copyTrial(i, t); err != nil {
			return nil, err
		}
	}
	if err := m.sweep(); err != nil {
		return nil, err
	}
	if err := m.writeTrials(); err != nil {
		return nil, err
	}
	h := *m.want
	h.Schema = SchemaVersion
	slices.Sort(m.Warnings)
	m.Warnings = slices.Compact(m.Warnings)
	err := errors.Join(
		writeJSON(filepath.Join(m.out, matrixEnvFile), m.Sources[0].Env),
		writeJSON(filepath.Join(m.out, matrixMergeFile), m.merged),
		writeJSON(filepath.Join(m.out, matrixHeaderFile), h),
	)
	if err != nil {
		return nil, err
	}
	return LoadMatrix(m.out)
}

// sweep removes what an earlier merge has left of trials that are not of this
// one. A directory that no merge has made is left as it is.
func (m *merger) sweep() error {
	if !exists(filepath.Join(m.out, matrixMergeFile)) {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(m.out, trialsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept := map[string]bool{}
	for _, t := range m.trials {
		if id, ok := t.TrialID(); ok {
			kept[id] = true
		}
	}
	var errs []error
	for _, e := range entries {
		if !kept[e.Name()] {
			errs = append(errs, os.RemoveAll(filepath.Join(m.out, trialsDir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

func (m *merger) writeTrials() (err error) {
	// A merge that was cut short may have left some.
	f, err := os.Create(filepath.Join(m.out, matrixTrialsFile))
	if err != nil {
		return err
	}
	w := &MatrixWriter{file: f}
	defer func() { err = errors.Join(err, w.Close()) }()
	order := make([]int, len(m.trials))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return m.trials[a].Started.Compare(m.trials[b].Started) })
	for _, i := range order {
		if err := w.Append(m.trials[i]); err != nil {
			return err
		}
	}
	return nil
}

// copyTrial copies the directory that a trial has left, if there is one; one
// that is missing is a warning, for the line has the numbers.
func (m *merger) copyTrial(i int, t CellTrial) error {
	id, ok := t.TrialID()
	if !ok {
		return nil
	}
	from, to := filepath.Join(m.dirs[i], trialsDir, id), filepath.Join(m.out, trialsDir, id)
	if !exists(filepath.Join(from, "run.json")) {
		m.warn("%s: the directory of trial %s is missing or cut short: its numbers are here, its histograms are not", m.Sources[t.Source-1].Name, id)
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copying trial %s: %w", id, err)
	}
	return nil
}
