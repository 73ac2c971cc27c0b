package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
)

// measured says in words what was done, from the settings that the trial
// recorded. A setting that is not there is left out.
func measured(t *results.Trial) string {
	c := t.Run.Config
	var s []string
	if text := sends(c); text != "" {
		s = append(s, text)
	}
	if n := c["load.consumers"]; n != "" && n != "0" && n != "-1" {
		how := " along"
		if max := c["load.max_records"]; max != "" && max != "0" {
			how = " them back when all are there"
		}
		s = append(s, plural(n, "consumer")+" "+verb(n, "reads", "read")+how)
	}
	var phases []string
	for _, p := range t.Run.Phases {
		phases = append(phases, fmt.Sprintf("%s %.1f s", p.Name, p.Seconds()))
	}
	if len(phases) > 0 {
		s = append(s, "phases: "+strings.Join(phases, ", "))
	}
	if len(s) == 0 {
		return ""
	}
	return strings.ToUpper(s[0][:1]) + s[0][1:] + strings.Join(append([]string{""}, s[1:]...), "; ") + "."
}

func sends(c map[string]string) string {
	size, producers := c["load.value_bytes"], c["load.producers"]
	if size == "" || producers == "" {
		return ""
	}
	bytes, _ := strconv.ParseInt(size, 10, 64)
	record := "records of " + sizeText(bytes)
	who := plural(producers, "producer")
	var what string
	switch rate := c["load.rate_per_s"]; {
	case c["load.closed"] == "true":
		what = fmt.Sprintf("%s %s %s as fast as they are acknowledged (closed loop)", who, verb(producers, "sends", "send"), record)
	case rate != "":
		what = fmt.Sprintf("%s %s %s %s a second on a schedule that is never re-based (open loop)",
			who, verb(producers, "sends", "send"), thousands(rate), record)
	default:
		what = fmt.Sprintf("%s %s %s", who, verb(producers, "sends", "send"), record)
	}
	if n := c["load.partitions"]; n != "" {
		what += ", to " + plural(n, "partition")
		if topics := c["load.topics"]; topics != "" && topics != "1" {
			what += " of each of " + topics + " topics"
		}
	}
	var with []string
	for _, k := range []string{"acks", "linger"} {
		if v := c["load."+k]; v != "" {
			with = append(with, k+" "+v)
		}
	}
	if len(with) > 0 {
		what += ", with " + strings.Join(with, " and ")
	}
	return what
}

// judged says the verdict in words.
func judged(r results.Run) string {
	switch r.Verdict.Word {
	case results.Valid:
		return "Every check passed: these numbers may be quoted, with what stands beside them."
	case results.Quick:
		return "Nothing is wrong, but the run is too short for its numbers to be quoted."
	}
	return "These numbers must not be quoted or averaged:"
}

// verified says what reading everything back found.
func verified(v results.Verification) string {
	switch {
	case !v.Done:
		return "The records were not read back."
	case v.OK():
		return fmt.Sprintf("%s acknowledged records were read back: each is there exactly once, in order, intact.",
			thousands(fmt.Sprint(v.Expected)))
	}
	return fmt.Sprintf("Of %s acknowledged records %d were lost, %d duplicated, %d reordered, %d corrupt, %d foreign.",
		thousands(fmt.Sprint(v.Expected)), v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Foreign)
}

// again is the command that repeats the trial. Trials from before run.json had
// it get one that is put together.
func again(r results.Run) string {
	if r.Command != "" {
		return r.Command
	}
	if r.Workload == "demo" {
		return "tide demo --duration " + r.Config["demo.duration"]
	}
	cmd := "tide bench " + shellWord(r.Workload) + " --target " + shellWord(strings.ReplaceAll(r.Target, ",", `\,`))
	if r.Quick {
		cmd += " --quick"
	}
	return cmd
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func plural(n, noun string) string {
	if n == "1" {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

func verb(n, one, many string) string {
	if n == "1" {
		return one
	}
	return many
}

// thousands puts commas into a whole number; anything else stays as it is.
func thousands(n string) string {
	if _, err := strconv.ParseUint(n, 10, 64); err != nil {
		return n
	}
	for i := len(n) - 3; i > 0; i -= 3 {
		n = n[:i] + "," + n[i:]
	}
	return n
}

func sizeText(bytes int64) string {
	switch {
	case bytes >= units.MiB && bytes%units.MiB == 0:
		return fmt.Sprintf("%d MiB", bytes/units.MiB)
	case bytes >= units.KiB && bytes%units.KiB == 0:
		return fmt.Sprintf("%d KiB", bytes/units.KiB)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
