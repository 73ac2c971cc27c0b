package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// usage runs a broker that cannot start, so that what it says about its flags
// is all there is.
func usage(t *testing.T, file string, args ...string) (int, string) {
	path := filepath.Join(t.TempDir(), "tide.yaml")
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	var out, errs bytes.Buffer
	code := run(context.Background(), append([]string{"broker", "--config", path}, args...), &stdio{out: &out, err: &errs})
	return code, errs.String()
}

func TestConfigFile(t *testing.T) {
	code, said := usage(t, "bogus: 1\n")
	require.Equal(t, exitUsage, code)
	require.Contains(t, said, `config file: unknown key "bogus"`)

	code, said = usage(t, "policy: magic\n")
	require.Equal(t, exitUsage, code)
	require.Contains(t, said, `"magic"`, "the file's value counts")

	code, said = usage(t, "policy: magic\n", "--policy", "wizard")
	require.Equal(t, exitUsage, code)
	require.Contains(t, said, `"wizard"`, "a flag comes before the file")

	t.Setenv("TIDE_POLICY", "sorcery")
	code, said = usage(t, "policy: magic\n")
	require.Equal(t, exitUsage, code)
	require.Contains(t, said, `"sorcery"`, "and so does the environment")

	code, _ = usage(t, "policy: [a, b]\n", "--prefetch", "none")
	require.Equal(t, exitUsage, code)
}
