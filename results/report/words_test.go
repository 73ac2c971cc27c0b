package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

func TestMeasuredInWords(t *testing.T) {
	trial := &results.Trial{Run: results.Run{
		Config: map[string]string{
			"load.value_bytes": "1024", "load.producers": "4", "load.rate_per_s": "2000", "load.partitions": "16",
			"load.topics": "1", "load.acks": "all", "load.linger": "0s", "load.consumers": "1", "load.closed": "false",
		},
		Phases: []results.Phase{{Name: "warm-up", End: 10}, {Name: "run", Start: 10, End: 30}},
	}}
	require.Equal(t, "4 producers send 2,000 records of 1 KiB a second on a schedule that is never re-based (open loop), "+
		"to 16 partitions, with acks all and linger 0s; 1 consumer reads along; phases: warm-up 10.0 s, run 20.0 s.", measured(trial))
	trial.Run.Config["load.closed"], trial.Run.Config["load.producers"], trial.Run.Config["load.topics"] = "true", "1", "3"
	require.Contains(t, measured(trial), "1 producer sends records of 1 KiB as fast as they are acknowledged (closed loop), to 16 partitions of each of 3 topics")
	trial.Run.Config, trial.Run.Phases = nil, nil
	require.Empty(t, measured(trial), "nothing is made up")
}

func TestAgain(t *testing.T) {
	r := results.Run{Workload: "tail-2k", Target: "tide?wal=pwrite:?window=1MiB,4MiB", Quick: true}
	require.Equal(t, `tide bench tail-2k --target 'tide?wal=pwrite:?window=1MiB\,4MiB' --quick`, again(r))
	require.Equal(t, "tide demo --duration 20s", again(results.Run{Workload: "demo", Config: map[string]string{"demo.duration": "20s"}}))
	r.Command = "tide bench workload.yaml --target tide"
	require.Equal(t, r.Command, again(r))
}

func TestNumbersInWords(t *testing.T) {
	require.Equal(t, "1,234,567", thousands("1234567"))
	require.Equal(t, "123", thousands("123"))
	require.Equal(t, "-5", thousands("-5"))
	require.Equal(t, "4 KiB", sizeText(4096))
	require.Equal(t, "100 bytes", sizeText(100))
	require.Equal(t, "2 MiB", sizeText(2<<20))
}
