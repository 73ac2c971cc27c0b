package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func arm(workload, target string, config ...string) *digest {
	d := &digest{Workload: workload, Target: target, config: map[string]string{}}
	for i := 0; i < len(config); i += 2 {
		d.config[config[i]] = config[i+1]
	}
	return d
}

func configOf(d *digest) map[string]string { return d.config }

func TestArmNamesAreAsShortAsTheyCanBe(t *testing.T) {
	for _, c := range []struct {
		name   string
		trials []*digest
		want   []string
	}{
		{"targets", []*digest{
			arm("w", "tide?wal=uring:", "broker.wal", "uring:"), arm("w", "kafka?flush=1"), arm("w", "tide?wal=uring:", "broker.wal", "uring:"),
		}, []string{"tide", "kafka"}},
		{"settings", []*digest{
			arm("w", "tide?wal=uring:", "broker.wal", "uring:", "broker.same", "1"), arm("w", "tide?wal=pwrite:", "broker.wal", "pwrite:", "broker.same", "1"),
		}, []string{"tide wal=uring:", "tide wal=pwrite:"}},
		{"load", []*digest{
			arm("w", "tide", "load.linger", "0s"), arm("w", "tide", "load.linger", "5ms"),
		}, []string{"tide load.linger=0s", "tide load.linger=5ms"}},
		{"workloads", []*digest{
			arm("a", "tide", "load.rate", "1"), arm("b", "tide", "load.rate", "2"),
		}, []string{"tide"}},
		{"spelling", []*digest{arm("w", "tide?a=1&b=2"), arm("w", "tide?b=2&a=1")}, []string{"tide", "tide (2)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, armsOf(c.trials, facetsOf(c.trials, configOf)))
		})
	}
}

func TestFacetsKeepWorkloadsApart(t *testing.T) {
	trials := []*digest{
		arm("a", "tide", "load.rate", "1", "broker.wal", "x"), arm("b", "tide", "load.rate", "2", "broker.wal", "x"), arm("b", "tide", "load.rate", "2"),
	}
	require.Equal(t, []facet{
		{Key: "broker.wal", Values: []string{"x", absent}, Of: []int{0, 0, 1}, Within: true},
		{Key: "load.rate", Values: []string{"1", "2"}, Of: []int{0, 1, 1}},
	}, facetsOf(trials, configOf))
}
