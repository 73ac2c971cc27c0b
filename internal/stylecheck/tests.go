package stylecheck

import (
	"go/ast"
	"maps"
	"strconv"
)

// Tests reports skipped tests and sleeps. A skipped test judges nothing and
// looks green; a sleep is too short on a slow machine and too long on all
// others. Under testing/synctest time is virtual and a sleep is exact.
func Tests(all []Source) []Finding {
	var out []Finding
	for _, s := range goFiles(all) {
		v := &testVisitor{s: s, noSleep: s.IsTest() && !imports(s.AST, "testing/synctest"), out: &out}
		ast.Walk(v, s.AST)
	}
	return out
}

// testVisitor walks one function, of which it knows the names of type
// *testing.T, B or F, or testing.TB; an inner function has a visitor of its
// own, for its t may be a rapid.T, whose Skip only discards one drawn case.
type testVisitor struct {
	s       Source
	noSleep bool
	ts      map[string]bool
	out     *[]Finding
}

// Visit implements ast.Visitor.
func (v *testVisitor) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return v.inside(n.Type)
	case *ast.FuncLit:
		return v.inside(n.Type)
	case *ast.CallExpr:
		if advice := judgeCall(n, v.ts, v.noSleep); advice != "" {
			*v.out = append(*v.out, Finding{v.s.Path, v.s.Line(n), advice})
		}
	}
	return v
}

// inside is the visitor of a function: its parameters hide those around it.
func (v *testVisitor) inside(f *ast.FuncType) ast.Visitor {
	inner := *v
	inner.ts = maps.Clone(v.ts)
	if inner.ts == nil {
		inner.ts = map[string]bool{}
	}
	for _, p := range f.Params.List {
		for _, id := range p.Names {
			inner.ts[id.Name] = isTesting(p.Type)
		}
	}
	return &inner
}

func judgeCall(call *ast.CallExpr, ts map[string]bool, noSleep bool) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	on, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	switch name := sel.Sel.Name; {
	case ts[on.Name] && (name == "Skip" || name == "SkipNow" || name == "Skipf"):
		return "a skipped test judges nothing: install what it needs (scripts/deps), put it behind a build tag, " +
			"or test that the refusal is clear"
	case noSleep && on.Name == "time" && name == "Sleep":
		return "wait for the event (a channel, a condition with require.Eventually) or use testing/synctest, instead of time.Sleep"
	}
	return ""
}

func isTesting(t ast.Expr) bool {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "testing"
}

// Goroutines wants goleak in the tests of each package that starts any.
// Commands are left out, for what they start ends with the process, and so are
// acceptance suites, which run in the tests of those they judge.
func Goroutines(all []Source) []Finding {
	var out []Finding
	dirs, names := byDir(goFiles(all))
	for _, d := range names {
		if matches(forTests, d) {
			continue
		}
		started, checked := Finding{}, false
		for _, s := range dirs[d] {
			checked = checked || s.IsTest() && imports(s.AST, "go.uber.org/goleak")
			if n := firstGo(s.AST); n != nil && !s.IsTest() && s.AST.Name.Name != "main" && started.Path == "" {
				started = Finding{s.Path, s.Line(n), "starts a goroutine, and no test of the package looks for leaks: " +
					"add `func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }`"}
			}
		}
		if started.Path != "" && !checked {
			out = append(out, started)
		}
	}
	return out
}

// firstGo finds a go statement or a call x.Go(…), as of errgroup and WaitGroup.
func firstGo(f *ast.File) ast.Node {
	var found ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = n
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" {
				found = n
			}
		}
		return found == nil
	})
	return found
}

func imports(f *ast.File, want string) bool {
	for _, spec := range f.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == want {
			return true
		}
	}
	return false
}
