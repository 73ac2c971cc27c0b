package units

import (
	"fmt"
	"strconv"
	"strings"
)

// Rate is a number of things, or of bytes, in a second. The zero value means
// that nothing was asked for: no limit.
type Rate struct {
	PerSecond int64 // things or bytes a second
	IsBytes   bool  // bytes rather than things
}

// ParseRate reads 20MiB/s (bytes, because a unit is given) or 5000/s (things).
// A bare 0 is the zero Rate.
func ParseRate(s string) (Rate, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(s), "/s")
	if !ok {
		if number == "0" {
			return Rate{}, nil
		}
		return Rate{}, fmt.Errorf("rate %q: want 20MiB/s or 5000/s", s)
	}
	if n, err := strconv.ParseUint(number, 10, 63); err == nil {
		return Rate{PerSecond: int64(n)}, nil
	}
	n, err := ParseSize(number)
	if err != nil {
		return Rate{}, fmt.Errorf("rate %q: want 20MiB/s or 5000/s: %w", s, err)
	}
	return Rate{PerSecond: n, IsBytes: true}, nil
}

// String prints the rate so that ParseRate gives it back.
func (r Rate) String() string {
	switch {
	case r == Rate{}:
		return "0"
	case r.IsBytes && r.PerSecond == 0:
		return "0B/s"
	case r.IsBytes:
		return Size(r.PerSecond) + "/s"
	default:
		return strconv.FormatInt(r.PerSecond, 10) + "/s"
	}
}

// MarshalText implements encoding.TextMarshaler.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, err := ParseRate(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}
