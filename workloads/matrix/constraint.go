package matrix

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidelog/tide/internal/units"
)

// constraint is one or more comparisons, of which one has to hold.
type constraint []comparison

// comparison is one between two axes, or an axis and a value.
type comparison struct {
	text        string
	left, right operand
	op          string
}

// operand is an axis, or a value as it stands.
type operand struct {
	text   string
	isAxis bool
}

// comparisons of numbers, by the sign of left − right.
var comparisons = map[string]func(sign int) bool{
	"<=": func(s int) bool { return s <= 0 }, "<": func(s int) bool { return s < 0 },
	">=": func(s int) bool { return s >= 0 }, ">": func(s int) bool { return s > 0 },
	"==": func(s int) bool { return s == 0 }, "!=": func(s int) bool { return s != 0 },
}

// parseConstraint reads "wal.block <= wal.window", "wal.path != fsync" or
// "target == tide or policy == lru".
func parseConstraint(text string, axes map[string][]string) (constraint, error) {
	var c constraint
	for part := range strings.SplitSeq(text, " or ") {
		one, err := parseComparison(part, axes)
		if err != nil {
			return nil, fmt.Errorf("constraint %q: %w", text, err)
		}
		c = append(c, one)
	}
	return c, nil
}

// parseComparison: what is compared by size has to be one, for a misspelt axis
// is no value.
func parseComparison(text string, axes map[string][]string) (comparison, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 || comparisons[fields[1]] == nil {
		return comparison{}, errors.New("want AXIS OP AXIS or AXIS OP VALUE, with spaces, where OP is one of <= < >= > == !=, and several with or between")
	}
	c := comparison{text: text, op: fields[1]}
	for i, o := range []*operand{&c.left, &c.right} {
		o.text = fields[2*i]
		o.isAxis = has(axes, o.text) || o.text == axisTarget
		_, err := size(o.text)
		if !o.isAxis && err != nil && (i == 0 || strings.ContainsAny(c.op, "<>")) {
			return comparison{}, fmt.Errorf("%q is neither an axis nor a size", o.text)
		}
	}
	return c, c.known(axes)
}

// known: what an axis is to equal, or not, is one of its values, for a misspelt one
// would be left without a word.
func (c comparison) known(axes map[string][]string) error {
	values := axes[c.left.text]
	if len(values) == 0 || c.right.isAxis || strings.ContainsAny(c.op, "<>") {
		return nil
	}
	equal := comparison{left: c.left, right: c.right, op: "=="}
	for _, v := range values {
		if ok, err := equal.holds(map[string]string{c.left.text: v}); err == nil && ok {
			return nil
		}
	}
	return fmt.Errorf("axis %s has no value %s: want one of %s", c.left.text, c.right.text, strings.Join(values, ", "))
}

// holds judges one cell.
func (c constraint) holds(settings map[string]string) (bool, error) {
	for _, one := range c {
		if ok, err := one.holds(settings); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// holds judges one cell; one that lacks an axis, as one of another target may,
// is no concern of the constraint. Values that are not both sizes can only be equal or
// not; of a list (soft and hard block, a growing window) the last counts, which
// is the bound.
func (c comparison) holds(settings map[string]string) (bool, error) {
	if c.left.isAxis && !has(settings, c.left.text) || c.right.isAxis && !has(settings, c.right.text) {
		return true, nil
	}
	l, r := c.left.value(settings), c.right.value(settings)
	left, errL := size(l)
	right, errR := size(r)
	sign := strings.Compare(l, r)
	switch {
	case errL == nil && errR == nil:
		sign = compare(left, right)
	case strings.ContainsAny(c.op, "<>"):
		return false, fmt.Errorf("constraint %q: cannot compare %q with %q: want sizes or numbers", c.text, l, r)
	}
	return comparisons[c.op](sign), nil
}

func (o operand) value(settings map[string]string) string {
	if o.isAxis {
		return settings[o.text]
	}
	return o.text
}

func size(text string) (int64, error) {
	return units.ParseSize(text[strings.LastIndexByte(text, ',')+1:])
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
