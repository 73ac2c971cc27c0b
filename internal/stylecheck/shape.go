package stylecheck

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Bounds on size. Models of this style have files of 90 to 170 lines.
const (
	maxFileLines = 500 // hard limit for one file
	maxFuncLines = 55  // nine functions in ten are no longer than this
)

// Length reports files over the limit, and the longest functions when more
// than one in ten of the whole tree is long.
func Length(all []Source) []Finding {
	var out, long []Finding
	funcs := 0
	for _, s := range goFiles(all) {
		if n := bytes.Count(s.Text, []byte("\n")); n > maxFileLines {
			out = append(out, Finding{s.Path, maxFileLines, fmt.Sprintf(
				"%d lines, %d at most: split it by subject; each file has one", n, maxFileLines)})
		}
		n, l := longFuncs(s)
		funcs, long = funcs+n, append(long, l...)
	}
	if len(long)*10 > funcs {
		out = append(out, long...)
	}
	return out
}

func longFuncs(s Source) (funcs int, long []Finding) {
	for _, d := range s.AST.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		funcs++
		if n := s.Fset.Position(f.End()).Line - s.Line(f) + 1; n > maxFuncLines {
			long = append(long, Finding{s.Path, s.Line(f), fmt.Sprintf(
				"%s has %d lines, and more than one function in ten has over %d: give its steps names of their own",
				f.Name.Name, n, maxFuncLines)})
		}
	}
	return funcs, long
}

// marker finds work that was put off. Spelt in pieces, for this file is
// checked too.
var marker = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

// Comments wants a package comment in each package and no notes to self.
func Comments(all []Source) []Finding {
	files := goFiles(all)
	var out []Finding
	for _, s := range files {
		for _, g := range s.AST.Comments {
			if m := marker.FindString(g.Text()); m != "" {
				out = append(out, Finding{s.Path, s.Line(g), m + ": do it now, or file an issue and say here what holds today"})
			}
		}
	}
	dirs, names := byDir(files)
	for _, d := range names {
		if f := packageComment(dirs[d]); f != "" {
			out = append(out, Finding{Path: d, Advice: f})
		}
	}
	return out
}

func packageComment(files []Source) string {
	docs, code := 0, 0
	name := ""
	for _, s := range files {
		if s.IsTest() {
			continue
		}
		code, name = code+1, s.AST.Name.Name
		if s.AST.Doc != nil && documents(s.AST) {
			docs++
		}
	}
	switch {
	case code > 0 && docs == 0:
		return "no package comment: begin one file with what the package is, its bytes or its flow drawn, and who calls it (`// " + opening(name) + " …`)"
	case docs > 1:
		return fmt.Sprintf("%d package comments: keep one, so that a reader finds all of it in one place", docs)
	}
	return ""
}

func documents(f *ast.File) bool {
	return strings.HasPrefix(f.Doc.Text(), opening(f.Name.Name))
}

func opening(name string) string {
	if name == "main" {
		return "Command "
	}
	return "Package " + name
}

// hosts and places are what a repository that anyone builds does not name: the
// registries are the reader's choice, and so are folders. In pieces as above.
var (
	hosts = []string{
		"registry." + "npmjs", "py" + "pi.org", "python" + "hosted.org", "repo.maven." + "apache", "repo1." + "maven",
		"proxy." + "golang", "deb." + "debian.org", "static." + "crates.io",
	}
	places = regexp.MustCompile(`(^|[\s"'` + "`" + `(=:])/(work|ro` + `ot|home/[a-z]+|tm` + `p)/`)
)

// Text reports registry hosts and folders of one machine in any text file.
func Text(all []Source) []Finding {
	var out []Finding
	for _, s := range all {
		for i, line := range bytes.Split(s.Text, []byte("\n")) {
			if h := slices.IndexFunc(hosts, func(h string) bool { return bytes.Contains(line, []byte(h)) }); h >= 0 {
				out = append(out, Finding{s.Path, i + 1, "names the registry host " + hosts[h] +
					": let the package client use the one it is set up for"})
			}
			if m := places.Find(line); m != nil {
				out = append(out, Finding{s.Path, i + 1, fmt.Sprintf("names a folder of one machine (%s): "+
					"use a relative path, t.TempDir() or a flag", bytes.TrimSpace(m))})
			}
			if path.Ext(s.Path) == ".go" && bytes.Contains(line, []byte("//nolint")) && !bytes.Contains(line, []byte(" // ")) {
				out = append(out, Finding{s.Path, i + 1, "a nolint without a reason: write `//nolint:name // why`"})
			}
		}
	}
	return out
}
