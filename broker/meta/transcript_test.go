package meta

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestTranscripts runs testdata/state: one state machine a file.
//
//	apply            one command a line, its type and its body as JSON; answered by
//	                 index, refusal or result, and the changes, one a line
//	streams|objects|topics|nodes   the image's, one a line
//
// Topic ids are short in the files: "id":"7" stands for 31 zeros and a 7.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/state", func(t *testing.T, path string) {
		s := NewState(NewImage())
		index := uint64(0)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			switch d.Cmd {
			case "apply":
				for line := range strings.Lines(d.Input) {
					index++
					transcribe(t, &out, s, index, line)
				}
			case "streams":
				lines(&out, s.Image().Streams())
			case "topics":
				lines(&out, s.Image().Topics())
			case "nodes":
				lines(&out, s.Image().Nodes())
			case "objects":
				for _, st := range []ObjectState{Prepared, Committed, Destroyed} {
					lines(&out, s.Image().Objects(st))
				}
			default:
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			require.NoError(t, s.Image().Check())
			return out.String()
		})
	})
}

func transcribe(t *testing.T, out *strings.Builder, s *State, index uint64, line string) {
	cmd := parseCommand(t, line)
	before := encodeImage(t, s.Image())
	res, changes, err := s.Apply(index, cmd)
	if err != nil {
		fmt.Fprintf(out, "%d refused: %v\n", index, err)
		require.Empty(t, changes)
		require.Equal(t, before, strings.Replace(encodeImage(t, s.Image()),
			fmt.Sprintf(`"index":%d`, index), fmt.Sprintf(`"index":%d`, index-1), 1), "a refusal changed something")
		return
	}
	fmt.Fprintf(out, "%d ok", index)
	if body := strings.TrimPrefix(marshal(res), fmt.Sprintf(`{"index":%d`, index)); body != "}" {
		out.WriteString(" {" + strings.TrimPrefix(body, ","))
	}
	out.WriteString("\n")
	for _, c := range changes {
		fmt.Fprintf(out, "  %s %s\n", reflect.TypeOf(c).Name(), marshal(c))
	}
}

func parseCommand(t *testing.T, line string) Command {
	name, body, ok := strings.Cut(strings.TrimSpace(line), " ")
	require.True(t, ok, "%q: want a type and a body", line)
	for _, d := range "123456789" {
		body = strings.ReplaceAll(body, fmt.Sprintf(`"id":"%c"`, d), fmt.Sprintf(`"id":"%031d%c"`, 0, d))
	}
	cmd, err := DecodeCommand(fmt.Appendf(nil, `{"type":%q,"version":1,"body":%s}`, name, body))
	require.NoError(t, err, line)
	return cmd
}

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(string(data), strings.Repeat("0", 31), "")
}

func lines[T any](out *strings.Builder, vs []T) {
	for _, v := range vs {
		out.WriteString(marshal(v) + "\n")
	}
}

func encodeImage(t *testing.T, im *Image) string {
	var b strings.Builder
	require.NoError(t, im.Encode(&b))
	return b.String()
}
