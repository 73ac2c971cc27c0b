// Package units reads and prints the quantities of flags, URLs and
// configuration files: sizes (4KiB), durations (250ms) and rates (20MiB/s,
// 5000/s). One parser for all of them, so that a size means the same in a
// flag, a WAL URL and a YAML file.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Binary multiples of a byte.
const (
	KiB int64 = 1 << 10
	MiB int64 = 1 << 20
	GiB int64 = 1 << 30
	TiB int64 = 1 << 40
)

// scale lists the suffixes from the largest down, the order in which Size
// looks for one that divides a value without a rest.
var scale = []struct {
	suffix string
	bytes  int64
}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", 1}}

// ParseSize reads a size in bytes: a bare number, or one followed by B, KiB,
// MiB, GiB or TiB. A fraction is allowed where it gives whole bytes (1.5KiB).
// KB and MB are refused, because half of their readers mean 1000.
func ParseSize(s string) (int64, error) {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range scale {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if n, err := strconv.ParseUint(number, 10, 63); err == nil && int64(n) <= math.MaxInt64/unit {
		return int64(n) * unit, nil
	}
	if !plain(number) {
		return 0, fmt.Errorf("size %q: want a number of bytes, or one followed by KiB, MiB, GiB or TiB", s)
	}
	f, err := strconv.ParseFloat(number, 64)
	bytes := f * float64(unit)
	if err != nil || bytes >= math.MaxInt64 {
		return 0, fmt.Errorf("size %q: larger than 8 EiB", s)
	}
	if bytes != math.Trunc(bytes) {
		return 0, fmt.Errorf("size %q: is not a whole number of bytes", s)
	}
	return int64(bytes), nil
}

// plain says whether s is digits with at most one point between them: what
// ParseFloat takes besides (1e3, 0x10, Inf, -1) is not a size.
func plain(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || digits(fraction))
}

// Size prints n bytes in the largest unit that divides it, so that ParseSize
// gives n back: 262144 is 256KiB, 262145 stays 262145B.
func Size(n int64) string {
	if n == 0 {
		return "0"
	}
	for _, u := range scale {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	panic("unreachable: every number is a multiple of one byte")
}

// Bytes is a size in bytes that flags and YAML write as 4KiB.
type Bytes int64

// String prints the size as Size does.
func (b Bytes) String() string { return Size(int64(b)) }

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	n, err := ParseSize(string(text))
	if err == nil {
		*b = Bytes(n)
	}
	return err
}

// ParseDuration reads a duration that is not negative, such as 250ms; 0 needs
// no unit.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil || d < 0 {
		return 0, fmt.Errorf("duration %q: want a number with a unit, such as 300us, 250ms or 30s", s)
	}
	return d, nil
}
