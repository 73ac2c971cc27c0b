package matrix

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/workloads/target"
)

// sound reports every fault, and removes what is at fault.
func (m *Matrix) sound() []error {
	var errs []error
	want := func(ok bool, format string, args ...any) bool {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
		return ok
	}
	want(m.Name != "" && !strings.ContainsAny(m.Name, "/\\ \n"), "name is %q, want one word", m.Name)
	want(len(m.Workloads) > 0, "workloads are missing, want some of %s, or a file", commandNames())
	if !want(m.Repeats >= 1 && m.Repeats <= maxRepeats, "repeats is %d, want 1 to %d", m.Repeats, maxRepeats) {
		m.Repeats = 1
	}
	if !want(m.Quick.Repeats >= 1 && m.Quick.Repeats <= maxRepeats, "quick.repeats is %d, want 1 to %d", m.Quick.Repeats, maxRepeats) {
		m.Quick.Repeats = 1
	}
	quick := m.Workloads // those of a quick run
	if len(m.Quick.Workloads) > 0 {
		quick = m.Quick.Workloads
	}
	all := once(slices.Concat(m.Workloads, quick), nil, "")
	if m.Metric == "" && !slices.ContainsFunc(all, func(w string) bool { return has(benches, w) }) {
		m.Metric = defaultMetric
	}
	want(m.Metric != "", "metric is missing: a key of the result, such as p99_us")
	for _, list := range []*[]string{&m.Workloads, &m.Quick.Workloads} {
		*list = keep(*list, &errs, func(w string) error { _, err := commandOf(w); return err })
	}
	m.Workloads, m.Quick.Workloads = once(m.Workloads, &errs, "workload"), once(m.Quick.Workloads, &errs, "quick.workloads: workload")
	axes := m.values()
	m.Targets = once(keep(m.Targets, &errs, func(t string) error { return checkTarget(t, all) }), &errs, "target")
	want(len(m.Targets) > 0 || len(errs) > 0, "targets are empty: leave them out for [tide]")
	// Before faulty axes go, for they are axes in a constraint all the same.
	m.Constraints = keep(m.Constraints, &errs, func(text string) error {
		c, err := parseConstraint(text, axes)
		if err == nil {
			m.parsed = append(m.parsed, c)
		}
		return err
	})
	errs = append(errs, dropFaulty(m.Axes, all)...)
	errs = append(errs, dropFaulty(m.Quick.Axes, quick)...)
	for _, name := range slices.Sorted(maps.Keys(m.Quick.Axes)) {
		want(m.Axes[name] != nil || isOfLoad(name), "quick.axes.%s: there is no such axis to be replaced", name)
	}
	return errs
}

// values of each axis, of a quick run too, as they stand in the file.
func (m *Matrix) values() map[string][]string {
	out := map[string][]string{axisTarget: m.Targets}
	for name, values := range m.Axes {
		out[name] = slices.Concat(values, m.Quick.Axes[name])
	}
	return out
}

// dropFaulty removes the axes that one of the workloads has no use for, or that
// have no values to run with. Of a value that is there twice one is left, for a
// constraint that no cell meets would not be seen without the axis.
func dropFaulty(axes map[string][]string, workloads []string) []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(axes)) {
		values := once(axes[name], nil, "")
		if len(values) < len(axes[name]) {
			errs = append(errs, fmt.Errorf("axis %s has a value twice: %s", name, strings.Join(axes[name], ", ")))
			axes[name] = values
		}
		if err := checkAxis(name, values, workloads); err != nil {
			errs = append(errs, err)
			delete(axes, name)
		}
	}
	return errs
}

// keep are the elements that check finds no fault with.
func keep(list []string, errs *[]error, check func(string) error) []string {
	var out []string
	for _, s := range list {
		if err := check(s); err != nil {
			*errs = append(*errs, err)
			continue
		}
		out = append(out, s)
	}
	return out
}

// once is a list without what is in it again, each of which is a fault: two equal
// cells would be taken for one.
func once(list []string, errs *[]error, what string) []string {
	var out []string
	for _, s := range list {
		switch {
		case !slices.Contains(out, s):
			out = append(out, s)
		case errs != nil:
			*errs = append(*errs, fmt.Errorf("%s %s is there twice", what, s))
		}
	}
	return out
}

func checkTarget(text string, workloads []string) error {
	if _, err := target.ParseSpec(text); err != nil {
		return err
	}
	for _, w := range workloads {
		if c, err := commandOf(w); err == nil && !c.targets() && text != tideTarget {
			return fmt.Errorf("target %s: %s runs without a target: leave targets out, or put it into a matrix of its own", text, w)
		}
	}
	return nil
}

func checkAxis(name string, values []string, workloads []string) error {
	var errs []error
	if len(values) == 0 || len(values) > maxValues {
		errs = append(errs, fmt.Errorf("axis %s has %d values, want 1 to %d", name, len(values), maxValues))
	}
	for _, w := range workloads {
		if c, err := commandOf(w); err == nil && !c.takes(name) {
			errs = append(errs, fmt.Errorf("axis %s: %s has no such setting; want %s", name, w, c.axes()))
		}
	}
	return errors.Join(errs...)
}

// keysOf a file that are unknown, or hold something else than they should, are
// faults among others: what else stands in the file has been read.
func keysOf(err error) ([]error, error) {
	var faults []error
	var typed *yaml.TypeError
	switch {
	case errors.As(err, &typed):
		for _, text := range typed.Errors {
			text, _, _ = strings.Cut(text, " in type ") // of Go's
			faults = append(faults, errors.New(text))
		}
		return faults, nil
	case errors.Is(err, io.EOF):
		return nil, nil
	}
	return nil, err
}
