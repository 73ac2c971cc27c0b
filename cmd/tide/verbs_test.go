package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain makes the test binary play tide where a verb starts itself as the
// broker of a benchmark, or the consumers of a catch-up.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"broker", "replay"}, os.Args[1]) {
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestBenchList(t *testing.T) {
	code, out, _ := invoke("bench", "list")
	require.Equal(t, exitDone, code)
	require.Contains(t, strings.Fields(out), "tail-2k")
	code, out, _ = invoke("bench", "list", "--json")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, `"tail-2k"`)
}

// TestUsageComesBeforeLoad: what can be refused is refused before anything is
// started, with one clear line.
func TestUsageComesBeforeLoad(t *testing.T) {
	driver := func(content string) string {
		path := filepath.Join(t.TempDir(), "driver.yaml")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		return path
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench", "no-such"}, "built-in ones are"},
		{[]string{"bench", "tail-2k", "--target", "kaffka"}, "want kafka"},
		{[]string{"bench", "tail-2k", "--target", "tide?data=/x"}, "set by the benchmark"},
		{[]string{"bench", "tail-2k", "--driver", "no-such.yaml"}, "no-such.yaml"},
		{[]string{"bench", "tail-2k", "--driver", driver("producerConfig: |\n  acks=0\n  nobody.knows=1\n")}, "nobody.knows=1: no equivalent"},
		{[]string{"bench", "tail-2k", "--ignore-unmapped"}, "goes with --driver"},
		{[]string{"bench", "tail-2k", "--driver", driver("producerConfig: |\n  acks=0\n  max.request.size=1024\n"), "--ignore-unmapped"}, "less than max record batch bytes"},
		{[]string{"bench", "tail-2k", "--search", "p98=1ms"}, "as in p99=10ms"},
		{[]string{"bench", "closed-1k", "--search", "p99=1ms"}, "no rate to be varied"},
		{[]string{"bench"}, "expected \"<workload> ...\""},
		{[]string{"demo", "--duration", "1s"}, "want 10s"},
		{[]string{"demo", "--wal", "uring"}, "WAL URL"},
	} {
		code, out, errs := invoke(c.args...)
		require.Equal(t, exitUsage, code, "%v", c.args)
		require.Empty(t, out)
		require.Contains(t, errs, c.want)
	}
}

func TestProgressEndsItsSteps(t *testing.T) {
	var out bytes.Buffer
	for _, terminal := range []bool{false, true} {
		p := newProgress(&out)
		p.terminal = terminal
		p.Step("tail", 0)
		p.Step("catch-up", 0)
		p.close()
		p.close()
	}
	require.Contains(t, out.String(), "catch-up")
}
