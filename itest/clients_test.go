package itest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scenarios are the programs of broker/clienttest and how each is run. All
// take HOST:PORT and a prefix for the names they use.
var scenarios = []struct {
	name    string
	command []string
}{
	{"confluent-kafka", []string{python, source("python/confluent.py")}},
	{"kafka-python", []string{python, source("python/kafkapython.py")}},
	{"kafkajs", []string{"env", "NODE_PATH=" + filepath.Join(deps, "node", "node_modules"), "node", source("node/kafkajs.js")}},
	{"java", []string{"java", "-cp", filepath.Join(deps, "java", "*"), source("java/Scenario.java")}},
}

var python = filepath.Join(deps, "python", "bin", "python")

func source(name string) string { return filepath.Join("..", "broker", "clienttest", name) }

// TestClients runs every scenario against one broker, one after the other.
func TestClients(t *testing.T) {
	addr := target(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			out := run(t, "", s.command[0], append(s.command[1:], addr, topic(t))...)
			held := strings.Count("\n"+out, "\nok ")
			require.Positive(t, held, "the scenario said nothing:\n%s", out)
			t.Logf("%d steps held", held)
		})
	}
}
