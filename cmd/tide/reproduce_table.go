package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/results/figures"
)

// made is a figure that was made, or tried; without outcomes and with an error
// one that could not be.
type made struct {
	id       string
	estimate time.Duration
	took     time.Duration
	expected int // ranges
	outcomes []figures.Outcome
	failed   int // trials that count for nothing
	err      error
}

// ok says that all came out as expected.
func (m made) ok() bool { return m.err == nil && m.missed() == 0 }

// missed are the ranges that were not met, or not looked at.
func (m made) missed() int { return m.expected - m.passed() }

func (m made) passed() int {
	n := 0
	for _, o := range m.outcomes {
		if o.OK() {
			n++
		}
	}
	return n
}

// why it is not as expected, a line for each reason.
func (m made) why() string {
	var out []string
	if m.err != nil {
		out = append(out, m.err.Error())
	}
	for _, o := range m.outcomes {
		if !o.OK() {
			out = append(out, outcomeText(o))
		}
	}
	if m.failed > 0 {
		out = append(out, fmt.Sprintf("%d trials failed or are INVALID", m.failed))
	}
	return strings.Join(out, "\n")
}

// printMade ends several figures in one table.
func printMade(w io.Writer, all, passedOver []made) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "why", WidthMax: 90}})
	t.AppendHeader(table.Row{"figure", "time", "estimate", "passed", "failed", "why"})
	var took, estimate time.Duration
	passed, failed := 0, 0
	for _, m := range all {
		t.AppendRow(table.Row{m.id, m.took.Round(time.Second), m.estimate.Round(time.Second), m.passed(), m.missed(), m.why()})
		took, estimate = took+m.took, estimate+m.estimate
		passed, failed = passed+m.passed(), failed+m.missed()
	}
	for _, m := range passedOver {
		t.AppendRow(table.Row{m.id, "", "", "", "", "passed over: " + m.why()})
	}
	t.AppendFooter(table.Row{"all", took.Round(time.Second), estimate.Round(time.Second), passed, failed, ""})
	fmt.Fprintln(w)
	t.Render()
}
