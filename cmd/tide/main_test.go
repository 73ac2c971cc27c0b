package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func invoke(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &stdio{out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestExitCodes(t *testing.T) {
	code, out, _ := invoke("version")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "commit ")

	code, out, errs := invoke("version", "--no-such-flag")
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	require.Contains(t, errs, "no-such-flag")

	code, out, _ = invoke("--help")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "version")
}

func TestReportError(t *testing.T) {
	var e bytes.Buffer
	std := &stdio{err: &e}
	require.Equal(t, exitInvalid, reportError(std, errInvalid))
	require.Empty(t, e.String(), "the verb has said why")
	require.Equal(t, exitUsage, reportError(std, usageError{context.Canceled}))
	require.Equal(t, exitFailed, reportError(std, context.Canceled))
	require.Contains(t, e.String(), "interrupted")
}

func TestEnvironmentMirrorsFlags(t *testing.T) {
	t.Setenv("TIDE_JSON", "true")
	code, out, _ := invoke("version")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, `"commit"`)
}
