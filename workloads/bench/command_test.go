package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/driver"
	"github.com/tidelog/tide/workloads/target"
)

func TestCommandMakesTheTrialAgain(t *testing.T) {
	w, err := workloads.Open("tail-2k")
	require.NoError(t, err)
	spec, err := target.ParseSpec("tide?log-cache=256MiB&wal=pwrite:?window=1MiB,4MiB")
	require.NoError(t, err)
	require.Equal(t, `tide bench tail-2k --target 'tide?log-cache=256MiB&wal=pwrite:?window=1MiB\,4MiB' --quick`,
		command(Config{Workload: w, Target: spec, Quick: true}))
	with, err := driver.Parse([]byte("producerConfig: |\n  linger.ms=1\n  no.such.key=2\n"))
	require.NoError(t, err)
	require.Equal(t, "tide bench tail-2k --target kafka --driver driver.yaml --ignore-unmapped",
		command(Config{Workload: w, Target: target.Spec{Text: "kafka"}, Driver: with}))
	file := filepath.Join(t.TempDir(), "zgc.yaml")
	require.NoError(t, os.WriteFile(file, []byte("kafka: {jvm: -XX:+UseZGC}"), 0o600))
	settings, err := target.OpenSettings(file)
	require.NoError(t, err)
	spec, err = settings.Parse("kafka")
	require.NoError(t, err)
	require.Equal(t, "tide bench tail-2k --target kafka --target-config target-config-zgc.yaml",
		command(Config{Workload: w, Target: spec, TargetConfig: settings}), "the row as it was given, and the copy")
	require.Regexp(t, "^tail-2k-kafka-zgc-", id(Config{Workload: w, Target: spec}, time.Now()))
	w.Name = "mine"
	require.Equal(t, "tide bench workload.yaml --target localhost:9092", command(Config{Workload: w, Target: target.Spec{Text: "localhost:9092"}}))
}
