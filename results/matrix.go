package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Files of a matrix's directory. Only these are data; all else is made of them.
const (
	matrixHeaderFile = "matrix.json"
	matrixEnvFile    = "env.json"
	matrixTrialsFile = "trials.jsonl"
	maxTrialLine     = 1 << 20 // bytes
)

// MatrixHeader is matrix.json: what was to be run.
type MatrixHeader struct {
	Schema  int       `json:"schema"`
	Name    string    `json:"name"`
	Quick   bool      `json:"quick"` // fewer points, shorter: not quotable
	Seed    uint64    `json:"seed"`  // of the order
	Cells   int       `json:"cells"`
	Trials  int       `json:"trials"` // cells × repeats, and the A/A pair
	Metric  string    `json:"metric"`
	Plan    string    `json:"plan,omitempty"` // hash of all cells; results of before it was kept have none
	Started time.Time `json:"started"`
}

// Same says whether two headers are of the same matrix, whenever it began.
func (h MatrixHeader) Same(o MatrixHeader) bool {
	h.Schema, h.Started = o.Schema, o.Started
	if h.Plan == "" || o.Plan == "" {
		h.Plan = o.Plan
	}
	return h == o
}

// CellTrial is one line of trials.jsonl: one repeat of one cell, or why there
// is none.
type CellTrial struct {
	Cell      string            `json:"cell"`         // hash of workload and settings
	Repeat    int               `json:"repeat"`       // from 1
	AA        bool              `json:"aa,omitempty"` // the second arm of the A/A pair
	Workload  string            `json:"workload"`
	Settings  map[string]string `json:"settings"` // axis → value, and target where the matrix has several
	Command   string            `json:"command"`  // with WAL in place of the file under test
	Simulated string            `json:"simulated,omitempty"`
	Started   time.Time         `json:"started"`
	Seconds   float64           `json:"seconds"`
	Steal     float64           `json:"steal_percent"`
	Result    map[string]any    `json:"result,omitempty"`  // what the command printed
	Verdict   string            `json:"verdict,omitempty"` // of the trial; what has none of its own is VALID or failed
	Warnings  []string          `json:"warnings,omitempty"`
	Error     string            `json:"error,omitempty"`  // why it counts for nothing: it failed, or is INVALID
	Source    int               `json:"source,omitempty"` // of a merged matrix: which of Sources, from 1
}

// Invalid says that the trial has run to its end, and must not be averaged.
func (t CellTrial) Invalid() bool { return t.Verdict == Invalid }

// Key tells trials of one matrix apart.
func (t CellTrial) Key() string { return fmt.Sprintf("%s/%d/%t", t.Cell, t.Repeat, t.AA) }

// Number of the result, if it has one under that key.
func (t CellTrial) Number(key string) (float64, bool) {
	v, ok := t.Result[key].(float64)
	return v, ok
}

// MatrixRun is a directory that was read. Of a trial that was repeated, because
// it had failed, the last line counts.
type MatrixRun struct {
	Dir      string
	Header   MatrixHeader
	Env      Env
	Trials   []CellTrial
	Sources  []MatrixSource // of a merged matrix
	Warnings []string       // what was broken and is left out
}

// LoadMatrix reads a directory, complete or not.
func LoadMatrix(dir string) (*MatrixRun, error) {
	m := &MatrixRun{Dir: dir}
	if err := readJSON(filepath.Join(dir, matrixHeaderFile), &m.Header); err != nil {
		return nil, fmt.Errorf("%s is no directory of a matrix: %w", dir, err)
	}
	if m.Header.Schema != SchemaVersion {
		return nil, fmt.Errorf("%s: matrix.json has schema %d, this program reads %d: use the tide that wrote it", dir, m.Header.Schema, SchemaVersion)
	}
	if err := readJSON(filepath.Join(dir, matrixEnvFile), &m.Env); err != nil {
		return nil, err
	}
	if err := m.readMerge(); err != nil {
		return nil, err
	}
	return m, m.readTrials()
}

func (m *MatrixRun) readTrials() error {
	f, err := os.Open(filepath.Join(m.Dir, matrixTrialsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	at := map[string]int{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxTrialLine)
	n := 1
	for ; in.Scan(); n++ {
		t, err := parseTrial(in.Bytes())
		if err != nil {
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s line %d is broken and left out: %v", matrixTrialsFile, n, err))
			continue
		}
		if i, again := at[t.Key()]; again {
			m.Trials[i] = t
			continue
		}
		at[t.Key()] = len(m.Trials)
		m.Trials = append(m.Trials, t)
	}
	if err := in.Err(); err != nil {
		return &BrokenFile{f.Name(), n, err}
	}
	return nil
}

func parseTrial(line []byte) (CellTrial, error) {
	var t CellTrial
	if err := json.Unmarshal(line, &t); err != nil {
		return CellTrial{}, err
	}
	if t.Cell == "" || t.Repeat < 1 {
		return CellTrial{}, errors.New("it names no trial")
	}
	return t, nil
}

// Failed trials, the INVALID ones among them, in the order of the file.
func (m *MatrixRun) Failed() []CellTrial {
	return slices.DeleteFunc(slices.Clone(m.Trials), func(t CellTrial) bool { return t.Error == "" })
}

// EnvOf is the machine that a trial ran on: in a merged matrix there may be
// several.
func (m *MatrixRun) EnvOf(t CellTrial) Env {
	if t.Source >= 1 && t.Source <= len(m.Sources) {
		return m.Sources[t.Source-1].Env
	}
	return m.Env
}

// MatrixWriter appends trials to a directory, which is locked as long as it is
// open: two runs of one matrix in one directory would do every trial twice, and
// each would disturb the other's.
type MatrixWriter struct{ file *os.File }

// OpenMatrix begins a directory, or takes one up again; what is in it then is
// returned. A directory of another matrix, or one begun on another machine or
// by another build, is refused: results of the two must not be mixed.
func OpenMatrix(dir string, h MatrixHeader, env Env) (*MatrixWriter, *MatrixRun, error) {
	h.Schema = SchemaVersion
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, matrixHeaderFile)); errors.Is(err, os.ErrNotExist) {
		// The header comes last: a directory with one has all that Load needs.
		if err := errors.Join(
			writeJSON(filepath.Join(dir, matrixEnvFile), env),
			writeJSON(filepath.Join(dir, matrixHeaderFile), h),
		); err != nil {
			return nil, nil, err
		}
	}
	run, err := LoadMatrix(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := run.sameAs(h, env); err != nil {
		return nil, nil, fmt.Errorf("%s: %w; give another directory with --out", dir, err)
	}
	f, err := openTrials(filepath.Join(dir, matrixTrialsFile))
	if err != nil {
		return nil, nil, err
	}
	if err := lock(f); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: another run is writing to it: %w", dir, err), f.Close())
	}
	// Read once more: what another run has added meanwhile is done.
	if run, err = LoadMatrix(dir); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return &MatrixWriter{f}, run, nil
}

// openTrials opens for appending. A line that a kill cut short gets its end, so
// that the next one does not become part of it.
func openTrials(name string) (*os.File, error) {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		if _, err := f.WriteString("\n"); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// sameAs compares what must not change between the parts of one matrix. The
// load and steal of the moment may.
func (m *MatrixRun) sameAs(h MatrixHeader, env Env) error {
	if was := m.Header; !was.Same(h) {
		return fmt.Errorf("holds another matrix (%s, %d trials, quick %t, seed %d)", was.Name, was.Trials, was.Quick, was.Seed)
	}
	if differing := m.Env.differences(env); len(differing) > 0 {
		return errors.New("was begun in another environment: " + strings.Join(differing, ", "))
	}
	return nil
}

// differences that forbid to take two environments for one.
func (e Env) differences(o Env) []string {
	var out []string
	for _, f := range []struct {
		name   string
		is, be any
	}{
		{"commit", e.Build.Commit, o.Build.Commit},
		{"kernel", e.Kernel, o.Kernel},
		{"CPU", e.CPU, o.CPU},
		{"memory", e.Memory, o.Memory},
		{"filesystem", e.Filesystem, o.Filesystem},
		{"device", e.Device, o.Device},
	} {
		if !reflect.DeepEqual(f.is, f.be) {
			out = append(out, fmt.Sprintf("%s was %v and is %v", f.name, f.is, f.be))
		}
	}
	return out
}

// Append writes one trial as one line, in one write.
func (w *MatrixWriter) Append(t CellTrial) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = w.file.Write(append(b, '\n'))
	return err
}

// Close reports what the file system had left to say about the writes.
func (w *MatrixWriter) Close() error { return w.file.Close() }
