package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
)

// Several trials end in one page, whose path is the last line; one does not,
// and with --json nothing but objects is printed.
func TestSeveralTrialsEndInOnePage(t *testing.T) {
	dir := t.TempDir()
	pages := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "report-*.html"))
		require.NoError(t, err)
		return found
	}
	var out bytes.Buffer
	together := report.NewOverlay()
	together.Add(resultstest.Synthetic(0))
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, false))
	require.Empty(t, out.String())
	require.Empty(t, pages())

	together.Add(resultstest.Synthetic(1))
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, false))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, pages(), 1)
	require.True(t, strings.HasSuffix(lines[len(lines)-1], pages()[0]), lines[len(lines)-1])
	require.Equal(t, 2, strings.Count(out.String(), "tail-2k"))

	out.Reset()
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, true))
	require.Empty(t, out.String())
}
