package report_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
	"github.com/tidelog/tide/results/rows"
)

// lines of a table as their cells.
func lines(table string) [][]string {
	var out [][]string
	for _, line := range strings.Split(table, "\n") {
		if strings.Count(line, "│") < 3 {
			continue
		}
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "│"), "│") {
			cells = append(cells, strings.TrimSpace(c))
		}
		out = append(out, cells)
	}
	return out
}

// The table of many directories says what the summary of trials says.
func TestManyAgreesWithTheSummary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo-1")
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	require.NoError(t, err)
	var summary, many bytes.Buffer
	report.Summary(&summary, []*results.Trial{trial})
	report.Many(&many, rows.Table{Rows: rows.OfTrial(trial)})
	require.Equal(t, lines(summary.String()), lines(many.String()))
	require.Len(t, lines(many.String()), 1+3)
}
