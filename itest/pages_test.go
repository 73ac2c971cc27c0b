package itest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
)

// TestTrialPage looks at the page that a demo ends in.
func TestTrialPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo-1")
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	require.NoError(t, err)
	path, err := report.Write(trial)
	require.NoError(t, err)
	b := openPage(t, path)
	plots := int(b.number("tide.plots.length"))
	require.Equal(t, 4, plots, "produce, end to end, latency and rates over time")
	for i := range plots {
		b.show(i)
		require.Greater(t, b.inked(i), 100.0, "plot %d", i)
	}
	b.zoom(0)
	b.zoom(2)
	// One phase can be looked at, in all plots over time at once.
	b.do(`var s = document.querySelector("#timelines .toolbar select"); s.value = "1"; s.dispatchEvent(new Event("change"));`)
	for i := 2; i < plots; i++ {
		b.show(i)
		require.Equal(t, "4 8", b.text(fmt.Sprintf(`tide.plots[%d].u.scales.x.min + " " + tide.plots[%d].u.scales.x.max`, i, i)))
	}
	b.do(`tide.zoom(tide.plots[2], null)`)
	b.show(3)
	require.Equal(t, 12.0, b.number(`tide.plots[3].u.scales.x.max`))
	// What the plot says of p99 is what the table says.
	require.Equal(t, "5.04", b.text(`tide.ms(tide.plots[0].made.curves[0].y[tide.data.ticks.indexOf(2)])`))

	// A curve goes away and comes back; another time can be chosen; the dark
	// theme has other colours.
	before := b.inked(0)
	b.do(`tide.plots[0].frame.querySelector(".legend button").click()`)
	b.wait("!tide.plots[0].u.series[1].show")
	b.do(`tide.plots[0].frame.querySelector(".legend button").click()`)
	b.wait("tide.plots[0].u.series[1].show")
	b.show(0)
	require.InDelta(t, before, b.inked(0), before/4)
	light := b.text("tide.plots[0].made.curves[0].color")
	b.do(`document.documentElement.scrollTop = 0; document.getElementById("theme").click(); document.getElementById("theme").click()`)
	b.wait(`document.documentElement.dataset.theme === "dark"`)
	b.show(0)
	require.NotEqual(t, light, b.text("tide.plots[0].made.curves[0].color"))
	require.Greater(t, b.inked(0), 100.0)
	b.quiet()
	b.keep("demo-dark")
	b.do(`document.getElementById("theme").click()`)
	b.keep("demo")
}

// TestTrialPageWithoutScripts has pictures and tables all the same.
func TestTrialPageWithoutScripts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo-1")
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	require.NoError(t, err)
	path, err := report.Write(trial)
	require.NoError(t, err)
	b := newBrowser(t)
	_, err = chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	b.run(chromedp.Navigate("file://" + path))
	require.Equal(t, 4.0, b.number(`Array.from(document.querySelectorAll("svg")).filter(function (s) { return s.getBoundingClientRect().height > 100; }).length`))
	require.Greater(t, b.number(`document.querySelectorAll("td").length`), 50.0)
	b.quiet()
}

// TestOverlayPage looks at a thousand trials.
func TestOverlayPage(t *testing.T) {
	o := report.NewOverlay()
	for i := range 1000 {
		o.Add(resultstest.Synthetic(i))
	}
	path := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, o.Write(path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(20<<20))
	t.Logf("%d bytes for 1000 trials", info.Size())

	b := openPage(t, path)
	const rows = `Array.from(document.getElementById("trials").tBodies[0].rows)`
	require.Equal(t, 1000.0, b.number(rows+".length"))
	b.show(0)
	require.Greater(t, b.inked(0), 100.0)
	curves := b.number("tide.plots[0].made.curves.length")
	require.Equal(t, 8.0, curves, "one typical repeat of each of the first configurations")
	b.zoom(0)
	b.show(1)
	b.zoom(1)
	b.keep("overlay")

	// The picker: nothing, one, all that a chip and a word leave over.
	b.run(chromedp.Click(chromedp.CSS("#pick-none")))
	b.wait("!tide.plots[0].made || !tide.plots[0].made.curves.length")
	b.run(chromedp.Click(chromedp.CSS("#trials tbody input")))
	b.show(0)
	require.Equal(t, 1.0, b.number("tide.plots[0].made.curves.length"))
	b.do(`document.querySelector("#facets .chip").click()`)
	b.run(chromedp.SendKeys(chromedp.CSS("#search"), "tail-2k none"))
	const on = rows + `.filter(function (r) { return r.style.display !== "none"; })`
	b.wait(on + ".length < 100 && " + on + ".length > 0")
	shown := b.number(on + ".length")
	b.run(chromedp.Click(chromedp.CSS("#pick-shown")))
	b.show(0)
	require.Equal(t, shown, b.number("tide.plots[0].made.curves.length"))
	require.Greater(t, b.inked(0), 100.0)
	require.Equal(t, "volatile", b.text(`tide.unique(tide.plots[0].made.curves.map(function (c) { return c.family; })).join()`))

	// What a power cut may undo has no colour of what it cannot, in any theme.
	require.Equal(t, 0.0, b.number(`(function () {
		var cool = [0, 1, 2, 3, 4, 5, 6, 7].map(function (i) { return tide.color("durable", i); });
		return cool.filter(function (c) { return [0, 1, 2, 3, 4, 5, 6, 7].some(function (i) { return tide.color("volatile", i) === c; }); }).length;
	})()`))

	// All of them at once are drawn in part, and the page says so.
	b.do(`document.getElementById("search").value = ""; document.getElementById("search").dispatchEvent(new Event("input")); document.querySelector("#facets .chip").click(); document.getElementById("pick-shown").click()`)
	b.show(0)
	require.LessOrEqual(t, b.number("tide.plots[0].made.curves.length"), 150.0)
	require.Contains(t, b.text("tide.plots[0].frame.textContent"), "Only the first 150 of")

	// A click on a column sorts by number.
	b.do(`document.querySelectorAll("#trials th.n")[1].click()`)
	require.True(t, b.number(fmt.Sprintf(`%s.map(function (r) { return parseFloat(r.cells[7].textContent); }).every(function (v, i, all) { return !i || all[i - 1] <= v; }) ? 1 : 0`, rows)) == 1)
	b.quiet()
	b.keep("overlay-all")
}

// TestMatrixPage looks at a matrix whose numbers are known.
func TestMatrixPage(t *testing.T) {
	run := resultstest.WriteMatrix(t, t.TempDir())
	path, err := report.Matrix{Run: run}.Write()
	require.NoError(t, err)
	b := openPage(t, path)
	const heat = `Array.from(document.querySelectorAll("#heat td:not(.none)"))`
	choose := func(within, label, value string) {
		b.do(fmt.Sprintf(`var l = Array.from(document.querySelectorAll(%q + " label")).find(function (l) { return l.firstChild.textContent === %q; });
			var s = l.querySelector("select");
			s.value = Array.from(s.options).find(function (o) { return o.textContent === %q; }).value; s.dispatchEvent(new Event("change"));`, within, label, value))
	}
	choose("#which", "across", "wal.path")
	choose("#which", "down", "wal.window")
	require.Equal(t, 6.0, b.number(heat+".length"), "two durable paths by three windows: mem is of another kind")
	require.Equal(t, "1,001 2,002 2,001 4,003 3,001 6,003", b.text(heat+`.map(function (td) { return td.firstChild.textContent; }).join(" ")`))
	choose("#fixed", "wal.block", "16KiB")
	require.Equal(t, "1001, 1000–1002, n=3", b.text(heat+`[0].firstChild.textContent.replace(",", "") + ", " + `+heat+`[0].lastChild.textContent.replace(/,(?=\d)/g, "")`))

	// What did the window change? Twice and three times as much, on both paths.
	require.Equal(t, "× 1.00 × 2.00 × 3.00", b.text(`tide.cells.sensitivity(0, 2, "p99_us").rows.map(function (r) { return "× " + r.ratio.toFixed(2); }).join(" ")`))
	require.Contains(t, b.text(`document.getElementById("sensitivity").textContent`), "wal.window")
	require.Equal(t, "true,false,false", b.text(`[tide.cells.isNoise(0.95, 0.1), tide.cells.isNoise(0.5, 0.6), tide.cells.isNoise(1, 0)].join()`), "a half is as far from 1 as a double")

	// A volatile kind has its own map, in warm colours.
	choose("#which", "cells", "volatile")
	require.Equal(t, 3.0, b.number(heat+".length"))
	choose("#which", "cells", "durable")

	// The front: least dollars and least p99 in one cell; zoom works here too.
	b.show(0)
	require.Greater(t, b.inked(0), 50.0)
	b.zoom(0)
	require.Equal(t, 1.0, b.number(`tide.plots[0].made.curves[1].y.filter(function (v) { return v !== null; }).length`))

	// The best cell under a constraint that a person types.
	b.do(`var i = document.querySelector("#best input"); i.value = "1500"; i.dispatchEvent(new Event("input"));`)
	b.wait(`document.querySelectorAll("#found tbody tr").length === 2`)
	require.Contains(t, b.text(`document.getElementById("found").textContent`),
		"2 of 12 cells keep that; the best is wal.block=64KiB wal.path=pwrite wal.window=256KiB", "the dearer one comes second")

	// A cell's trials are picked from the map.
	b.run(chromedp.Click(chromedp.CSS("#pick-none")))
	choose("#which", "across", "wal.path")
	b.do(heat + `[0].click()`)
	plots := int(b.number("tide.plots.length"))
	require.Greater(t, plots, 2)
	b.show(1)
	require.Equal(t, 3.0, b.number("tide.plots[1].made.curves.length"))
	require.Greater(t, b.inked(1), 100.0)
	b.quiet()
	b.keep("matrix")
}
