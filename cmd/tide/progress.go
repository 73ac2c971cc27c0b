package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// progress shows steps: a bar on a terminal, otherwise a line of the log at
// each step and every ten seconds of a long one.
type progress struct {
	terminal bool
	every    time.Duration // between lines of a long step
	out      io.Writer
	stop     chan struct{} // closes the present step; nil between steps
	stopped  chan struct{}
}

func newProgress(out io.Writer) *progress {
	return &progress{terminal: isTerminal(out), every: 10 * time.Second, out: out}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Step ends the step before and begins the next.
func (p *progress) Step(name string, length time.Duration) {
	p.close()
	p.stop, p.stopped = make(chan struct{}), make(chan struct{})
	show := p.log
	if p.terminal {
		show = p.bar
	}
	go func(stop <-chan struct{}, stopped chan<- struct{}) {
		defer close(stopped)
		show(name, length, stop)
	}(p.stop, p.stopped)
}

func (p *progress) log(name string, length time.Duration, stop <-chan struct{}) {
	start := time.Now()
	if length > 0 {
		slog.Info(name, "length", length)
	} else {
		slog.Info(name)
	}
	t := time.NewTicker(p.every)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			slog.Info(name, "after", time.Since(start).Round(time.Second), "length", length)
		}
	}
}

// barTemplate leaves the bar out of a step whose length is not known.
const barTemplate = `{{string . "name" | printf "%-24s"}} {{if gt .Total 0}}{{bar . }} {{percent . }}{{else}}{{cycle . "⠋" "⠙" "⠸" "⠴" "⠦" "⠇"}}{{end}} {{etime . }}`

func (p *progress) bar(name string, length time.Duration, stop <-chan struct{}) {
	const tick = 100 * time.Millisecond
	bar := pb.New64(int64(length/tick)).SetTemplateString(barTemplate).SetWriter(p.out).Set("name", name).SetMaxWidth(72)
	bar.Start()
	defer bar.Finish()
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			if bar.Current() < bar.Total() {
				bar.Increment()
			}
		}
	}
}

// close ends the present step.
func (p *progress) close() {
	if p.stop != nil {
		close(p.stop)
		<-p.stopped
		p.stop = nil
	}
}
