package bench

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidelog/tide/workloads"
)

// driverFile is the copy of a driver file in the trial's directory.
const driverFile = "driver.yaml"

// command is what makes the trial again. A workload of the user's own, and those
// two files, are named by the copies that lie in the trial's directory.
func command(cfg Config) string {
	name := "workload.yaml"
	if slices.Contains(workloads.Names(), cfg.Workload.Name) {
		if w, err := workloads.Open(cfg.Workload.Name); err == nil && bytes.Equal(w.Source(), cfg.Workload.Source()) {
			name = cfg.Workload.Name
		}
	}
	// A comma would end the target.
	words := []string{"tide", "bench", name, "--target", quoted(strings.ReplaceAll(cfg.Target.Text, ",", `\,`))}
	if cfg.Driver != nil {
		words = append(words, "--driver", driverFile)
		if len(cfg.Driver.Unmapped) > 0 {
			words = append(words, "--ignore-unmapped")
		}
	}
	if cfg.TargetConfig != nil {
		words = append(words, "--target-config", cfg.TargetConfig.CopyName())
	}
	if cfg.Search != nil {
		words = append(words, "--search", cfg.Search.Text)
	}
	if cfg.Quick {
		words = append(words, "--quick")
	}
	return strings.Join(words, " ")
}

// quoted for a shell.
func quoted(s string) string {
	if strings.ContainsAny(s, "&?*'\"\\$ ;<>()|`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
