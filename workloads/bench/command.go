package bench

import (
	"slices"
	"strings"

	"github.com/tidelog/tide/workloads"
)

// command is what makes the trial again. A workload of the user's own is named
// by the copy that lies in the trial's directory.
func command(cfg Config) string {
	name := cfg.Workload.Name
	if !slices.Contains(workloads.Names(), name) {
		name = "workload.yaml"
	}
	// A comma would end the target.
	words := []string{"tide", "bench", name, "--target", quoted(strings.ReplaceAll(cfg.Target.Text, ",", `\,`))}
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
