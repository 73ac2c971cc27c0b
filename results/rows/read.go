package rows

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidelog/tide/results"
)

// maxFolders of one directory: more than any matrix leaves.
const maxFolders = 100_000

// kind of a directory.
type kind int

const (
	other kind = iota
	trial
	matrix
	mixed    // claims to be both
	cutShort // a trial without a run.json: killed, or still running
)

// Place is one trial or matrix below what was asked for, or a folder that is
// neither and says so.
type Place struct {
	Dir    string
	Matrix bool
	Err    error // it is left out for this
}

// Find lists the trials and matrices of a directory: itself, or those one level
// below. An error means that there is none.
func Find(dir string) ([]Place, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if k := kindOf(dir); k != other {
		return []Place{place(dir, k)}, nil
	}
	if len(entries) > maxFolders {
		return nil, fmt.Errorf("%s holds %d entries, want at most %d: name some of the folders in it", dir, len(entries), maxFolders)
	}
	var out []Place
	for _, e := range entries {
		sub := filepath.Join(dir, e.Name())
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if k := kindOf(sub); k != other {
			out = append(out, place(sub, k))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no results: want run.json or matrix.json in it, or folders with one", dir)
	}
	return out, nil
}

func kindOf(dir string) kind {
	is := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	switch run, m := is("run.json"), is("matrix.json"); {
	case run && m:
		return mixed
	case run:
		return trial
	case m:
		return matrix
	case is("timeline.csv"):
		return cutShort
	}
	return other
}

func place(dir string, k kind) Place {
	p := Place{Dir: dir, Matrix: k == matrix}
	switch k {
	case mixed:
		p.Err = fmt.Errorf("%s holds both a trial and a matrix: put them into folders of their own", dir)
	case cutShort:
		p.Err = fmt.Errorf("%s has no run.json: the trial was cut short, or is still running", dir)
	}
	return p
}

// ErrNothing is of a reading in which every folder was broken.
var ErrNothing = errors.New("nothing could be read")

// Read makes the table of some directories, in their order. What is broken in
// them is a row. An error names a directory without any results, or says that
// all of them are broken.
func Read(dirs ...string) (Table, error) {
	var places []Place
	for _, dir := range dirs {
		found, err := Find(dir)
		if err != nil {
			return Table{}, err
		}
		places = append(places, found...)
	}
	t := ReadPlaces(places)
	return t, t.Check()
}

// Check fails with all reasons when nothing in the table could be read.
func (t Table) Check() error {
	var errs []error
	for _, r := range t.Rows {
		if r.Verdict != Broken {
			return nil
		}
		errs = append(errs, errors.New(r.Warnings[0]))
	}
	return errors.Join(append([]error{ErrNothing}, errs...)...)
}

// ReadPlaces makes the table of places that were found.
func ReadPlaces(places []Place) Table {
	var t Table
	for _, p := range places {
		t.Rows = append(t.Rows, read(p)...)
	}
	return t
}

func read(p Place) []Row {
	if p.Err != nil {
		return []Row{broken(p.Dir, p.Err)}
	}
	if p.Matrix {
		m, err := results.LoadMatrix(p.Dir)
		if err != nil {
			return []Row{broken(p.Dir, err)}
		}
		return OfMatrix(m)
	}
	t, err := results.Load(p.Dir)
	if err != nil {
		return []Row{broken(p.Dir, err)}
	}
	return OfTrial(t)
}

// broken is the row of what was left out.
func broken(dir string, err error) Row {
	return Row{Dir: dir, Trial: filepath.Base(dir), Verdict: Broken, Warnings: []string{"left out: " + err.Error()}}
}
