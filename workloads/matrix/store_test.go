package matrix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads/target"
)

// envEmptied names the file to which fakeEmpty writes what it was asked to
// empty; it refuses while a file of that name and ".refuse" is there.
const envEmptied = "MATRIX_EMPTIED"

// fakeEmpty plays `tide s3-empty URL`.
func fakeEmpty(url string) {
	log := os.Getenv(envEmptied)
	if _, err := os.Stat(log + ".refuse"); err == nil {
		fmt.Fprintln(os.Stderr, "tide: access denied")
		os.Exit(1)
	}
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(f, url)
	fmt.Println(`{"deleted": 1}`)
	os.Exit(0)
}

func TestOwnStore(t *testing.T) {
	for given, want := range map[string]string{
		"tide?store=s3%3A%2F%2Fb%2Fp%3Fendpoint%3Dhttp%3A%2F%2Fh%3A1%26path_style%3Dtrue&policy=lru": "s3://b/p/me?endpoint=http://h:1&path_style=true",
		"tide?store=s3%3A%2F%2Fb":                                  "s3://b/me",
		"tide?store=s3://b/p/":                                     "s3://b/p/me",
		"kafka-tiered?flush=1&store=s3%3A%2F%2Fb%2Fp%3Fregion%3Dr": "s3://b/p/me?region=r",
		"tide":               "",
		"tide?store=dir%3A":  "",
		"tide?s3=versitygw":  "",
		"10.0.0.1:9092":      "",
		"tide?store=null%3A": "",
	} {
		args := []string{"bench", "w", "--target", given, "--out", "o"}
		own, store, err := ownStore(args, "me")
		require.NoError(t, err)
		require.Equal(t, want, store, given)
		require.Equal(t, given, args[3], "the arguments are the caller's")
		spec, err := target.ParseSpec(own[3])
		require.NoError(t, err)
		if want == "" {
			require.Equal(t, args, own)
			continue
		}
		before, err := target.ParseSpec(given)
		require.NoError(t, err)
		require.Equal(t, before.Kind, spec.Kind)
		require.Equal(t, before.Flags["policy"], spec.Flags["policy"])
		require.Contains(t, []string{spec.Flags["store"], spec.Keys["store"]}, want)
	}
	args := []string{"wal", "bench", "--wal", "mem:"}
	own, store, err := ownStore(args, "me")
	require.NoError(t, err)
	require.Equal(t, args, own)
	require.Empty(t, store)
}

const inS3 = `
name: in-s3
workloads: [tail-2k]
axes: {store: ["s3://b/p?region=r"], load.testDurationMinutes: [0.1]}
repeats: 2
`

// TestOwnStoreIsEmptied: each trial has a prefix of its own, which is empty at
// its end; what a killed or refused one has left goes with the next.
func TestOwnStoreIsEmptied(t *testing.T) {
	log := filepath.Join(t.TempDir(), "emptied")
	t.Setenv(envEmptied, log)
	out := filepath.Join(t.TempDir(), "out")
	cfg, _ := config(t, out)
	require.NoError(t, os.MkdirAll(out, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(out, claimFile), []byte("s3://b/p/killed?region=r\n"), 0o600))
	p := plan(t, inS3)
	require.NoError(t, p.Run(t.Context(), cfg))
	emptied, err := os.ReadFile(log)
	require.NoError(t, err)
	lines := strings.Fields(string(emptied))
	require.Len(t, lines, 3)
	require.Equal(t, "s3://b/p/killed?region=r", lines[0])
	require.NotEqual(t, lines[1], lines[2])
	for _, l := range lines[1:] {
		require.Regexp(t, `^s3://b/p/trial-[0-9a-f]+-[12]-\d+\?region=r$`, l)
	}
	require.NoFileExists(t, filepath.Join(out, claimFile))

	require.NoError(t, os.WriteFile(log+".refuse", nil, 0o600))
	require.NoError(t, cfg.claim("s3://b/p/a"))
	require.NoError(t, cfg.claim("s3://b/my results/b"))
	err = cfg.release(t.Context())
	require.ErrorContains(t, err, "s3://b/p/a is still there")
	require.ErrorContains(t, err, "access denied")
	require.NoError(t, os.Remove(log+".refuse"))
	torn, err := os.OpenFile(cfg.claimed(), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = torn.WriteString("s3://b")
	require.NoError(t, errors.Join(err, torn.Close()))
	require.NoError(t, cfg.release(t.Context()))
	emptied, err = os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, []string{"s3://b/p/a", "s3://b/my results/b", ""}, strings.Split(string(emptied), "\n")[3:],
		"a blank is no end of a prefix, and half a line is none")
}

// TestIsTrialPrefix: what is emptied is what a trial was given, and no more.
func TestIsTrialPrefix(t *testing.T) {
	trial := Trial{Cell: Cell{ID: "91dac9207171"}, Repeat: 2}
	require.True(t, IsTrialPrefix("p/"+trial.name(time.Now())))
	trial.AA = true
	require.True(t, IsTrialPrefix(trial.name(time.Now())))
	for _, other := range []string{"", "p", "my", "p/trial-91dac9207171", "trial-1-2-3/results", "trial-x-1-2", "not-trial-1-2-3"} {
		require.False(t, IsTrialPrefix(other), other)
	}
}

func TestTransfer(t *testing.T) {
	require.Equal(t, 2*time.Second, transfer(2<<30, 1<<30))
	require.Equal(t, 2<<10*time.Second, transfer(2<<40, 1<<30), "beyond 63 bits of nanoseconds times bytes")
}
