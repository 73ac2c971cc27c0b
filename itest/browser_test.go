package itest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserWithin is for a whole page on a busy machine: nothing is measured.
const browserWithin = 3 * time.Minute

// browser is one tab on one page, and what it complained of.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // guarded by mu: errors, warnings and exceptions of the console
	requests   []string // guarded by mu: whatever was asked of any network or file
}

// openPage loads a page that lies in a file.
func openPage(t *testing.T, path string) *browser {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	b := newBrowser(t)
	b.run(chromedp.Navigate("file://" + path))
	b.wait("window.tide && tide.plots.length > 0")
	return b
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	require.NoError(t, err, "scripts/deps installs it")
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(binary), chromedp.WindowSize(1280, 900), chromedp.DisableGPU)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // chromium refuses root otherwise
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserWithin)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b := &browser{t: t}
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	_, err = chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprint(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprint("console: ", e.Type))
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// do runs a script for what it does.
func (b *browser) do(script string) {
	b.t.Helper()
	b.run(chromedp.Evaluate[chromedp.Void]("void (function () {" + script + "})()"))
}

// wait until an expression is true. chromedp's own way makes a function of a
// text in the page, which the page's policy refuses.
func (b *browser) wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](
		`new Promise(function (done) { (function look() { if (`+expression+`) done(true); else setTimeout(look, 20); })(); })`,
		chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, "waiting until %s", expression)
}

// number evaluates an expression.
func (b *browser) number(expression string) float64 {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](expression))
	require.NoError(b.t, err, expression)
	return v
}

// text evaluates an expression.
func (b *browser) text(expression string) string {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	require.NoError(b.t, err, expression)
	return v
}

// quiet asserts that nothing went wrong, and that the page asked for nothing
// but itself.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.complaints)
	require.Len(b.t, b.requests, 1, "a page is one file and fetches nothing")
	require.True(b.t, strings.HasPrefix(b.requests[0], "file://"))
}

// show scrolls a plot into view and waits until it is drawn.
func (b *browser) show(plot int) {
	b.t.Helper()
	p := fmt.Sprintf("tide.plots[%d]", plot)
	b.do(p + ".frame.scrollIntoView({block: 'center', behavior: 'instant'})")
	b.wait(p + ".u && " + p + ".u.status === 1")
}

// inked counts the pixels of a plot's curves: those inside its axes that have a
// colour of one of them.
func (b *browser) inked(plot int) float64 {
	b.t.Helper()
	return b.number(fmt.Sprintf(`(function (p) {
		var u = p.u, b = u.bbox, n = 0, copy = document.createElement("canvas"); // chromium complains of reading the same one again and again
		copy.width = u.ctx.canvas.width; copy.height = u.ctx.canvas.height;
		var ctx = copy.getContext("2d", {willReadFrequently: true});
		ctx.drawImage(u.ctx.canvas, 0, 0);
		var d = ctx.getImageData(b.left, b.top, b.width, b.height).data;
		var colors = p.made.curves.map(function (c) { return [1, 3, 5].map(function (i) { return parseInt(c.color.slice(i, i + 2), 16); }); });
		for (var i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && colors.some(function (c) {
			return Math.abs(c[0] - d[i]) + Math.abs(c[1] - d[i + 1]) + Math.abs(c[2] - d[i + 2]) < 30;
		})) n++;
		return n;
	})(tide.plots[%d])`, plot))
}

// zoom drags the mouse over the middle of a plot, and looks at its axis.
func (b *browser) zoom(plot int) {
	b.t.Helper()
	b.show(plot)
	p := fmt.Sprintf("tide.plots[%d].u", plot)
	span := p + ".scales.x.max - " + p + ".scales.x.min"
	whole := b.number(span)
	at := func(share float64) (x, y float64) {
		box := p + ".over.getBoundingClientRect()"
		return b.number(fmt.Sprintf("%s.left + %s.width * %g", box, box, share)), b.number(box + ".top + " + box + ".height / 2")
	}
	x0, y := at(0.4)
	x1, _ := at(0.6)
	b.run(chromedp.DragAndDropXY(x0, y, x1, y))
	b.wait(fmt.Sprintf("%s < %g", span, whole/2))
	b.run(chromedp.MouseClickXY(x0, y), chromedp.MouseClickXY(x0, y, chromedp.ClickCount(2)))
	b.wait(fmt.Sprintf("%s > %g", span, whole*0.99))
}

// keep leaves a picture of the page for a person, where TIDE_KEEP_FIGURES says.
func (b *browser) keep(name string) {
	b.t.Helper()
	dir := os.Getenv("TIDE_KEEP_FIGURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPrintBackground()))
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".pdf"), pdf, 0o644))
}
