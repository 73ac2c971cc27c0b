package figures_test

import (
	"testing"

	"github.com/tidelog/tide/results"
)

// f5 is a cache as it was found to be: policies differ little on a log and much on
// a Zipf, one block ahead takes nearly all misses away under LRU, and S3-FIFO sends
// away what was read ahead.
func f5(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for trace, best := range map[string]float64{"log": 0.95, "zipf": 0.8} {
		for _, size := range []string{"0.01", "0.1"} {
			for model, simulated := range map[string]string{"none": "", "s3-express": "s3-express", "s3-standard": "s3-standard"} {
				r := map[string]any{}
				row := func(policy, ahead string, miss, gets float64) {
					r[policy+"/"+ahead+"/miss_ratio"], r[policy+"/"+ahead+"/gets_per_mib"] = miss, gets
					r[policy+"/"+ahead+"/over_read"], r[policy+"/"+ahead+"/p99_us"] = 0.9, 10000.0
				}
				row("lru", "none", 0.7, 1.4)
				row("s3fifo", "none", 0.7*best, 1.4)
				row("fifo", "none", 0.75, 1.4)
				if model == "none" {
					r["belady/none/miss_ratio"] = 0.45
				} else {
					r["simulated"] = model + " (guesses)"
					for _, policy := range []string{"lru", "fifo"} {
						row(policy, "fixed:1", 0.01, 1.4)
						row(policy, "rate", 0.02, 0.6)
					}
					row("s3fifo", "fixed:1", 0.1, 1.5)
				}
				cells = append(cells, results.CellTrial{
					Workload: "cache-sim", Simulated: simulated, Result: r,
					Settings: map[string]string{
						"trace": trace + "?streams=8", "size": size, "store-model": model, "seed": "1",
						"policy": "lru,s3fifo,fifo", "prefetch": "none,fixed:1,rate",
					},
				})
			}
		}
	}
	return write(t, results.MatrixHeader{Name: "f5", Metric: "lru/none/miss_ratio"}, cells)
}

// f5l is a broker and a simulator that agree.
func f5l(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for _, policy := range []string{"lru", "arc"} {
		for ahead, miss := range map[string]float64{"none": 0.3, "fixed:1": 0.02, "automq:2024": 0.02, "rate": 0.03} {
			r := map[string]any{"durability": "dsync", "simulated": "store: s3-express (guesses)", "replay/differences": 0.0}
			for _, side := range []string{"live/", "sim/"} {
				r[side+"miss_ratio"], r[side+"gets_per_mib"], r[side+"over_read"] = miss, 4-50*(0.3-miss)*0.2, 1.0
			}
			cells = append(cells, results.CellTrial{
				Workload: "cache-live", Simulated: "store s3-express", Result: r,
				Settings: map[string]string{"policy": policy, "prefetch": ahead},
			})
		}
	}
	return write(t, results.MatrixHeader{Name: "f5l", Metric: "live/miss_ratio"}, cells)
}
