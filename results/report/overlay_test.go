package report_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
)

func overlay(t *testing.T, trials int) string {
	o := report.NewOverlay()
	for i := range trials {
		o.Add(resultstest.Synthetic(i))
	}
	path := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, o.Write(path))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// cells of the rows of the table of trials.
var cell = regexp.MustCompile(`<td class="n"[^>]*>([^<]*)</td>`)

// The page quotes a trial to the last digit as the terminal does.
func TestOverlayAgreesWithTheSummary(t *testing.T) {
	dir := t.TempDir()
	resultstest.Write(t, filepath.Join(dir, "a"))
	trial, err := results.Load(filepath.Join(dir, "a"))
	require.NoError(t, err)
	path := filepath.Join(dir, "report.html")
	require.NoError(t, report.WriteOverlay(path, []string{filepath.Join(dir, "a"), filepath.Join(dir, "a")}))
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	var page []string
	for _, line := range strings.Split(string(html), "\n") {
		if strings.HasPrefix(line, "<tr data-t=") {
			var cells []string
			for _, m := range cell.FindAllStringSubmatch(line, -1) {
				cells = append(cells, m[1])
			}
			page = append(page, strings.Join(cells[:3], " "))
		}
	}
	var text strings.Builder
	report.Summary(&text, []*results.Trial{trial})
	var terminal []string
	for _, line := range strings.Split(text.String(), "\n") {
		if f := strings.Split(line, "│"); len(f) > 9 && strings.Contains(f[1], "demo") {
			terminal = append(terminal, strings.Join([]string{strings.TrimSpace(f[6]), strings.TrimSpace(f[7]), strings.TrimSpace(f[8])}, " "))
		}
	}
	require.Len(t, terminal, 3, "one line a phase; a directory given twice counts once")
	require.Equal(t, terminal, page)
}

func TestOverlayNamesWhatDiffers(t *testing.T) {
	html := overlay(t, 2*resultstest.Repeats)
	holds(t, html, "<td>broker.window</td><td>256KiB</td><td>1MiB</td>")
	require.NotContains(t, html, "<td>load.producers</td>", "what is the same in all trials")
	require.NotContains(t, html, "The environments differ")
	holds(t, html, "10 trials of 2 configurations under 1 workload (tail-2k), 5 repeats each.")
}

// A trial's own page is linked to where it is, and not where it is not.
func TestOverlayLinksToPages(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"with page", "without"} {
		resultstest.Write(t, filepath.Join(dir, "trials", name))
	}
	trial, err := results.Load(filepath.Join(dir, "trials", "with page"))
	require.NoError(t, err)
	_, err = report.Write(trial)
	require.NoError(t, err)
	path := filepath.Join(dir, "report.html")
	require.NoError(t, report.WriteOverlay(path, []string{filepath.Join(dir, "trials", "with page"), filepath.Join(dir, "trials", "without")}))
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(html), `<a href="trials/with%20page/report.html"`), "one a phase")
	require.Equal(t, 3, strings.Count(string(html), "<a href="))
}

func TestOverlayOfDifferentMachinesSaysSo(t *testing.T) {
	o := report.NewOverlay()
	for i := range 2 {
		trial := resultstest.Synthetic(i)
		trial.Env.Kernel.Release = []string{"6.0", "6.1"}[i]
		o.Add(trial)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, o.Write(path))
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	holds(t, string(html), "The environments differ")
	holds(t, string(html), "<td>kernel</td>")
}

func TestOverlaySkipsBrokenDirectories(t *testing.T) {
	dir := t.TempDir()
	resultstest.Write(t, filepath.Join(dir, "good"))
	resultstest.Write(t, filepath.Join(dir, "bad"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad", "run.json"), []byte("{"), 0o644))
	path := filepath.Join(dir, "report.html")
	require.NoError(t, report.WriteOverlay(path, []string{filepath.Join(dir, "bad"), filepath.Join(dir, "good")}))
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	holds(t, string(html), filepath.Join(dir, "bad")+" is left out")
	err = report.WriteOverlay(filepath.Join(dir, "none.html"), []string{filepath.Join(dir, "bad")})
	require.ErrorContains(t, err, "bad")
	require.NoFileExists(t, filepath.Join(dir, "none.html"))
}

// The bound is what a browser loads without a pause that annoys.
func TestThousandTrialsFit(t *testing.T) {
	const most = 20 << 20
	const some = 10
	fixed, size := len(overlay(t, 1)), len(overlay(t, some))
	require.Less(t, fixed+1000/some*(size-fixed), most)
}

func TestOverlayEscapes(t *testing.T) {
	o := report.NewOverlay()
	trial := resultstest.Synthetic(0)
	trial.Run.Workload = "</script><script>alert(1)</script>"
	o.Add(trial)
	path := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, o.Write(path))
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(html), "<script>alert")
}
