// Package stylecheck holds the rules of ARCHITECTURE.md and CONTRIBUTING.md
// that a program can check, and applies them to the whole tree in its own test:
//
//	tree ──Load──▶ []Source ──rules──▶ []Finding{file:line, what to write instead}
//
// Sources are parsed, never type-checked or built, so the check takes well
// under a second and also sees files that this platform does not compile.
// A rule is one function in one file; Rules lists them.
package stylecheck

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Module is the import path of the tree that is checked.
const Module = "github.com/tidelog/tide"

// Source is one text file of the tree. AST is nil for anything but Go.
type Source struct {
	Path string // slash-separated, relative to the root
	Text []byte
	Fset *token.FileSet
	AST  *ast.File
}

// Dir is the folder of the file relative to the root, "." for the root itself.
func (s Source) Dir() string { return path.Dir(s.Path) }

// IsTest tells whether only `go test` compiles the file.
func (s Source) IsTest() bool { return strings.HasSuffix(s.Path, "_test.go") }

// Line is the line on which a node of the file begins, counted from 1.
func (s Source) Line(n ast.Node) int { return s.Fset.Position(n.Pos()).Line }

// Finding is one breach of one rule. Advice says what to write instead.
type Finding struct {
	Path   string
	Line   int // 0: the file or folder as a whole
	Advice string
}

// String is the form that editors recognise as a position.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.Path + ": " + f.Advice
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Advice)
}

// Rule looks at all files together and reports every breach.
type Rule func([]Source) []Finding

// Rules are all rules by name, in the order of the files that hold them.
func Rules() map[string]Rule {
	return map[string]Rule{
		"imports":    Imports,
		"libraries":  Libraries,
		"length":     Length,
		"comments":   Comments,
		"tests":      Tests,
		"goroutines": Goroutines,
		"text":       Text,
	}
}

// skipped are folders without source of ours: build output, run data and what
// package managers unpack.
var skipped = map[string]bool{
	".git": true, "bin": true, "testdata": true, "tide-data": true, "tide-runs": true,
	"node_modules": true, "target": true, "__pycache__": true,
}

// textual are the names and extensions of files that people read.
var textual = map[string]bool{
	".go": true, ".md": true, ".yml": true, ".yaml": true, ".sh": true, ".json": true,
	".toml": true, ".txt": true, ".py": true, ".js": true, ".mjs": true, ".java": true,
	".xml": true, ".mod": true, ".svg": true, ".html": true, "Makefile": true, "run": true,
}

// Load reads every text file below the root, in path order. A Go file that
// does not parse is an error: the compiler says more about it than we could.
func Load(root fs.FS) ([]Source, error) {
	var out []Source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped[d.Name()]:
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular() || !isText(name):
			return nil
		}
		s, err := load(root, name)
		out = append(out, s)
		return err
	})
	return out, err
}

func isText(name string) bool {
	return textual[path.Ext(name)] || textual[path.Base(name)]
}

func load(root fs.FS, name string) (Source, error) {
	s := Source{Path: name}
	var err error
	if s.Text, err = fs.ReadFile(root, name); err != nil {
		return s, err
	}
	if path.Ext(name) == ".go" {
		s.Fset = token.NewFileSet()
		s.AST, err = parser.ParseFile(s.Fset, name, s.Text, parser.ParseComments|parser.SkipObjectResolution)
	}
	return s, err
}

// goFiles are the parsed files among all; generated ones are nobody's style.
func goFiles(all []Source) []Source {
	return slices.DeleteFunc(slices.Clone(all), func(s Source) bool {
		return s.AST == nil || ast.IsGenerated(s.AST)
	})
}

// byDir groups files by folder and returns the folders in order.
func byDir(files []Source) (map[string][]Source, []string) {
	dirs := map[string][]Source{}
	for _, s := range files {
		dirs[s.Dir()] = append(dirs[s.Dir()], s)
	}
	names := make([]string, 0, len(dirs))
	for d := range dirs {
		names = append(names, d)
	}
	slices.Sort(names)
	return dirs, names
}

// Sort orders findings as a reader goes through the tree.
func Sort(fs []Finding) {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Advice, b.Advice))
	})
}
