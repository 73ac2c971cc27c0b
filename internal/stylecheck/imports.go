package stylecheck

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// table is the import table of ARCHITECTURE.md, left to right: a package
// imports only packages of groups further LEFT, never of its own group. A
// pattern is a path below the module root, in which * is one path element. A
// package that is named counts where it is named, not where a * matches it.
var table = []group{
	{"internal", []string{"internal/*"}},
	{"interfaces and pure parts", []string{
		"broker/object", "iopath", "broker/objstore", "broker/fence", "broker/meta",
		"cacheexp/policy", "cacheexp/prefetch", "cacheexp/trace", "results", "results/cost", "results/stats",
	}},
	{"parts", []string{
		"iopath/*", "broker/objstore/*", "broker/fence/*", "broker/wal", "broker/logcache",
		"broker/blockcache", "broker/meta/raftmeta", "cacheexp/gen", "results/figures", "results/omb", "results/resultstest", "results/rows",
	}},
	{"movers and load", []string{
		"broker/upload", "broker/compact", "broker/object/*", "broker/wal/inspect", "broker/wal/walbench", "cacheexp/replay", "cacheexp/timed", "doctor",
		"iopath/open", "results/compare", "results/export", "results/report", "workloads/load", "workloads/target",
	}},
	{"stream", []string{"broker/stream", "workloads/session", "workloads/driver", "workloads/replay"}},
	{"partition", []string{"broker/partition", "workloads", "workloads/demo"}},
	{"coordinators", []string{"broker/group", "broker/txn", "broker/takeover", "workloads/bench", "workloads/matrix"}},
	{"wire", []string{"broker/wire"}},
	{"broker", []string{"broker"}},
	{"sim", []string{"broker/sim"}},
	{"cmd", []string{"cmd/*"}},
	{"itest", []string{"itest", "itest/*"}},
}

type group struct {
	name     string
	patterns []string
}

// apart are the packages of the suite that import nothing of broker/, so that
// they run against any Kafka.
var apart = []string{"results", "results/*", "workloads", "workloads/*"}

// backEnds are the concrete choices behind an interface. Only the wiring names
// them: anything else that did could no longer be measured with another one.
var (
	backEnds  = []string{"iopath/*", "broker/objstore/*", "broker/fence/*", "broker/meta/raftmeta"}
	mayWire   = []string{"broker", "broker/sim", "cmd/*", "iopath/open", "itest", "itest/*"}
	forTests  = []string{"iopath/iotest", "broker/objstore/storetest", "results/resultstest", "internal/stylecheck"}
	tableHome = "internal/stylecheck/imports.go (table) and ARCHITECTURE.md"
)

// Imports enforces the table, the suite's independence of the broker, and who
// may name a back end. Tests obey the same table, but may name any back end.
func Imports(all []Source) []Finding {
	var out []Finding
	_, dirs := byDir(goFiles(all))
	for _, d := range dirs {
		if _, ok := rank(d); !ok {
			out = append(out, Finding{Path: d, Advice: "the package is in no group: add it to " + tableHome +
				", as far left as its imports allow"})
		}
	}
	for _, s := range goFiles(all) {
		out = append(out, importsOf(s)...)
	}
	return out
}

func importsOf(s Source) []Finding {
	var out []Finding
	from := s.Dir()
	for _, spec := range s.AST.Imports {
		full, _ := strconv.Unquote(spec.Path.Value) // the parser has checked the literal
		to, ours := strings.CutPrefix(full, Module+"/")
		if !ours || to == from { // a foo_test package imports its own foo
			continue
		}
		if advice := judge(from, to, s.IsTest()); advice != "" {
			out = append(out, Finding{s.Path, s.Line(spec), advice})
		}
	}
	return out
}

// judge returns what is wrong with an import, or "".
func judge(from, to string, test bool) string {
	fromRank, known := rank(from)
	toRank, toKnown := rank(to)
	isBackEnd := matches(backEnds, to)
	switch {
	case !known || !toKnown:
		return "" // the package itself is reported once, not at each import
	case test && (isBackEnd || matches(forTests, to)):
		return ""
	case matches(forTests, to):
		return to + " is for tests: import it from a _test.go file"
	case matches(apart, from) && strings.HasPrefix(to+"/", "broker/"):
		return fmt.Sprintf("%s imports nothing of broker/, so that it runs against any Kafka: "+
			"ask the broker over the wire or its admin port instead of importing %s", from, to)
	case isBackEnd && !matches(mayWire, from):
		return fmt.Sprintf("%s is a concrete back end: take the interface of %s in the constructor and let broker/ "+
			"or cmd/ choose it", to, path.Dir(to))
	case toRank >= fromRank:
		return fmt.Sprintf("%s (group %q) may import only groups left of it, not %s (group %q): declare the interface "+
			"here, where it is used, or move the shared part left; the table is in %s",
			from, table[fromRank].name, to, table[toRank].name, tableHome)
	}
	return ""
}

// rank is the index of the package's group in the table.
func rank(dir string) (int, bool) {
	i := slices.IndexFunc(table, func(g group) bool { return slices.Contains(g.patterns, dir) })
	if i < 0 {
		i = slices.IndexFunc(table, func(g group) bool { return matches(g.patterns, dir) })
	}
	return i, i >= 0
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, dir)
		return ok && err == nil
	})
}

// libraries are imports that have a better place to go; one library for each
// purpose keeps the module small and the reader at home.
var libraries = map[string]string{
	"log":                           "log/slog",
	"io/ioutil":                     "io and os",
	"math/rand":                     "math/rand/v2 with a seed that comes in through the constructor",
	"flag":                          "github.com/alecthomas/kong",
	"gopkg.in/yaml.v2":              "go.yaml.in/yaml/v3 with KnownFields",
	"gopkg.in/yaml.v3":              "go.yaml.in/yaml/v3 with KnownFields",
	"github.com/pkg/errors":         "fmt.Errorf with %w",
	"github.com/sirupsen/logrus":    "log/slog",
	"go.uber.org/zap":               "log/slog",
	"github.com/spf13/cobra":        "github.com/alecthomas/kong",
	"github.com/segmentio/kafka-go": "github.com/twmb/franz-go",
	"github.com/IBM/sarama":         "github.com/twmb/franz-go",
}

// Libraries reports a second library for a purpose that already has one.
func Libraries(all []Source) []Finding {
	var out []Finding
	for _, s := range goFiles(all) {
		for _, spec := range s.AST.Imports {
			full, _ := strconv.Unquote(spec.Path.Value)
			if instead, ok := libraries[full]; ok && !(full == "flag" && s.IsTest()) { // go test's own flags
				out = append(out, Finding{s.Path, s.Line(spec), "instead of " + full + " use " + instead})
			}
		}
	}
	return out
}
