package objstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/units"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]objstore.Spec{
		"mem:":        {Scheme: "mem"},
		"null:":       {Scheme: "null"},
		"dir:objects": {Scheme: "dir", Path: "objects"},
		"dir:/a b/c?model=s3-standard&rate=20MiB/s": {
			Scheme: "dir", Path: "/a b/c", Model: "s3-standard", WriteRate: units.Rate{PerSecond: 20 << 20, IsBytes: true},
		},
		"s3://b": {Scheme: "s3", Bucket: "b"},
		"s3://b/p/q/?endpoint=http://localhost:7070&region=us-east-1&path_style=true&model=s3-express": {
			Scheme: "s3", Bucket: "b", Prefix: "p/q", Endpoint: "http://localhost:7070", Region: "us-east-1",
			PathStyle: true, Model: "s3-express",
		},
		"s3://b?part=8MiB&deadline=30s":                            {Scheme: "s3", Bucket: "b", Part: 8 << 20, Deadline: 30 * time.Second},
		"mem:?model=s3-express&seed=7&slowdown=0.25&part=16777216": {Scheme: "mem", Model: "s3-express", Seed: 7, SlowDown: 0.25, Part: 16 << 20},
	} {
		got, err := objstore.ParseURL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := objstore.ParseURL(got.String())
		require.NoError(t, err, got.String())
		require.Equal(t, want, again, got.String())
	}
}

func TestParseURLRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "want dir:PATH",
		"objects":                           "want dir:PATH",
		"gs://b":                            `unknown scheme "gs"`,
		"dir:":                              "needs a directory",
		"mem:x":                             "takes no path",
		"null:/x":                           "takes no path",
		"s3:b":                              "needs a bucket",
		"s3:///x":                           "needs a bucket",
		"mem:?modle=s3-standard":            `unknown key "modle" for scheme mem`,
		"mem:?model=gp3":                    `model "gp3": want s3-standard or s3-express`,
		"mem:?region=x":                     `unknown key "region" for scheme mem`,
		"s3://b?rate=1MiB/s":                `unknown key "rate" for scheme s3`,
		"s3://b?path_style=maybe":           "want true or false",
		"s3://b?deadline=soon":              "want a time",
		"s3://b?part=many":                  `part "many"`,
		"mem:?seed=1":                       `unknown key "seed" for scheme mem without model`,
		"dir:x?part=8MiB":                   `unknown key "part" for scheme dir without model`,
		"mem:?model=s3-express&seed=-1":     "whole number",
		"null:?model=s3-express&slowdown=2": "from 0 to 1",
		"dir:x?rate=5/s":                    "want bytes",
		"dir:x?rate=fast":                   "want 20MiB/s",
		"dir:x?rate=1MiB/s&rate=2MiB/s":     "given 2 times",
		"dir:x?%zz":                         "invalid URL escape",
	} {
		_, err := objstore.ParseURL(text)
		require.ErrorContains(t, err, want, text)
	}
	_, err := objstore.ParseURL("dir:?a=1&b=2")
	for _, fault := range []string{"needs a directory", `"a"`, `"b"`} {
		require.ErrorContains(t, err, fault, "all faults at once")
	}
}

func TestCheckKey(t *testing.T) {
	for _, ok := range []string{"a", "70000000/DEFAULT/7", "a.b/..c/d-e_f", strings.Repeat("a", 255)} {
		require.NoError(t, objstore.CheckKey(ok), ok)
	}
	for _, bad := range []string{
		"", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/.", "a\x00", `a\b`,
		strings.Repeat("a", 256), strings.Repeat("ab/", 400),
	} {
		require.ErrorIs(t, objstore.CheckKey(bad), objstore.ErrKey, "%q", bad)
	}
}
