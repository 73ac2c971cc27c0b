package driver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxProperties of one section.
const maxProperties = 1000

// parseProperties reads the text form of java.util.Properties:
//
//	# or ! begins a comment        a \ at the end continues the line
//	key=value   key: value         \t \n \r \f \uXXXX, and \c is c
//
// A later key takes the place of an earlier one.
func parseProperties(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, line := range logicalLines(text) {
		key, value := split(line)
		k, errK := unescape(key)
		v, errV := unescape(value)
		if err := errors.Join(errK, errV); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		if k == "" {
			return nil, fmt.Errorf("%q: a value without a key", line)
		}
		if out[k] = v; len(out) > maxProperties {
			return nil, fmt.Errorf("more than %d properties", maxProperties)
		}
	}
	return out, nil
}

const blanks = " \t\f"

// logicalLines joins continued lines and leaves out comments and empty ones.
func logicalLines(text string) []string {
	var out []string
	var open strings.Builder
	going := false
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
		line = strings.TrimLeft(line, blanks)
		if !going && (line == "" || line[0] == '#' || line[0] == '!') {
			continue
		}
		body := strings.TrimRight(line, `\`)
		// An odd number of backslashes: the last one is no escaped one.
		if going = (len(line)-len(body))%2 == 1; going {
			open.WriteString(line[:len(line)-1])
			continue
		}
		out = append(out, open.String()+line)
		open.Reset()
	}
	if going {
		out = append(out, open.String())
	}
	return out
}

// split at the first =, : or blank that is not escaped.
func split(line string) (key, value string) {
	i := 0
	for ; i < len(line) && !strings.ContainsRune("=:"+blanks, rune(line[i])); i++ {
		if line[i] == '\\' {
			i++
		}
	}
	i = min(i, len(line))
	rest := strings.TrimLeft(line[i:], blanks)
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], blanks)
	}
	return line[:i], rest
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 't', 'n', 'r', 'f':
			b.WriteByte(map[byte]byte{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f'}[c])
		case 'u':
			if len(s) < i+5 {
				return "", errors.New(`\u wants four hexadecimal digits`)
			}
			r, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", errors.New(`\u wants four hexadecimal digits`)
			}
			b.WriteRune(rune(r))
			i += 4
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
