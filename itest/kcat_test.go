package itest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kcat runs kcat 1.7.1 (librdkafka) against an address.
func kcat(t *testing.T, addr, stdin string, args ...string) string {
	t.Helper()
	return run(t, stdin, "kcat", append([]string{"-b", addr, "-X", "allow.auto.create.topics=true"}, args...)...)
}

// TestKcatCodecs produces with keys, headers and each codec, and reads the same
// lines back in order with their timestamps.
func TestKcatCodecs(t *testing.T) {
	addr := target(t)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			name := topic(t)
			var in, want strings.Builder
			for i := range 500 {
				fmt.Fprintf(&in, "key%d:value %d of some length that repeats and repeats\n", i%7, i)
				fmt.Fprintf(&want, "%d key%d [colour=blue,n=1] value %d of some length that repeats and repeats\n", i, i%7, i)
			}
			kcat(t, addr, in.String(), "-P", "-t", name, "-p", "0", "-K:", "-H", "colour=blue", "-H", "n=1", "-z", codec, "-X", "acks=all")
			out := kcat(t, addr, "", "-C", "-t", name, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k [%h] %s\n")
			require.Equal(t, want.String(), out)
			stamps := strings.Fields(kcat(t, addr, "", "-C", "-t", name, "-p", "0", "-o", "beginning", "-c", "3", "-e", "-q", "-f", "%T\n"))
			require.Len(t, stamps, 3)
			require.Greater(t, stamps[0], "1600000000000", "CreateTime in ms goes through unchanged")
		})
	}
}

// TestKcatAcks: acks 0, 1 and all each end in the log.
func TestKcatAcks(t *testing.T) {
	addr := target(t)
	for _, acks := range []string{"0", "1", "all"} {
		t.Run(acks, func(t *testing.T) {
			name := topic(t)
			kcat(t, addr, "first\n", "-P", "-t", name, "-p", "0", "-X", "acks=all") // creates the topic
			kcat(t, addr, "second\n", "-P", "-t", name, "-p", "0", "-X", "acks="+acks)
			out := kcat(t, addr, "", "-C", "-t", name, "-p", "0", "-o", "beginning", "-c", "2", "-q")
			require.Equal(t, "first\nsecond\n", out)
		})
	}
}

// TestKcatList: -L names the broker by its address and the topic with a leader.
func TestKcatList(t *testing.T) {
	addr := target(t)
	name := topic(t)
	kcat(t, addr, "x\n", "-P", "-t", name)
	out := kcat(t, addr, "", "-L")
	require.Contains(t, out, " at "+addr)
	require.Contains(t, out, `topic "`+name+`"`)
	require.Regexp(t, `partition 0, leader \d+, replicas: \d+, isrs: \d+`, out)
}

// TestKcatOffsets: from an offset, from the end, and by timestamp.
func TestKcatOffsets(t *testing.T) {
	addr := target(t)
	name := topic(t)
	kcat(t, addr, "a\nb\nc\nd\n", "-P", "-t", name, "-p", "0")
	read := func(from string) string {
		return kcat(t, addr, "", "-C", "-t", name, "-p", "0", "-o", from, "-e", "-q", "-f", "%o%s ")
	}
	require.Equal(t, "2c 3d ", read("2"))
	require.Equal(t, "3d ", read("-1"))
	require.Equal(t, "0a 1b 2c 3d ", read("s@1000"))
	require.Equal(t, "a [0] offset 4\n", strings.Replace(kcat(t, addr, "", "-Q", "-t", name+":0:-1"), name, "a", 1))
}

// TestKcatGroup: a group reads everything once, commits, and the next member
// goes on where the first left.
func TestKcatGroup(t *testing.T) {
	addr := target(t)
	name, group := topic(t), topic(t)
	member := func() []string {
		out := kcat(t, addr, "", "-G", group, "-X", "auto.offset.reset=earliest", "-e", "-q", "-f", "%s\n", name)
		lines := strings.Fields(out)
		slices.Sort(lines)
		return lines
	}
	kcat(t, addr, "a\nb\nc\n", "-P", "-t", name)
	require.Equal(t, []string{"a", "b", "c"}, member())
	kcat(t, addr, "d\ne\n", "-P", "-t", name)
	require.Equal(t, []string{"d", "e"}, member())
}
