package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain makes the test binary play tide where a verb starts itself as the
// broker of a benchmark.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "broker" {
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
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench", "no-such"}, "built-in ones are"},
		{[]string{"bench", "tail-2k", "--target", "kafka"}, "want tide"},
		{[]string{"bench", "tail-2k", "--target", "tide?data=/x"}, "set by the benchmark"},
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
