package load

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestLayout is transcripts: groups of topics in, the numbering out.
func TestLayout(t *testing.T) {
	datadriven.RunTest(t, "testdata/layout", func(t *testing.T, d *datadriven.TestData) string {
		c := Config{Brokers: []string{"x:1"}, Topic: "t", Closed: true}
		d.MaybeScanArgs(t, "clients", &c.Clients)
		for line := range strings.Lines(d.Input) {
			var g Group
			var topics, partitions, producers int
			_, err := fmt.Sscanf(line, "%s %d topics %d partitions %d producers", &g.Name, &topics, &partitions, &producers)
			require.NoError(t, err)
			g.Name = strings.TrimPrefix(g.Name, "-")
			for range topics {
				g.Partitions, g.Producers = append(g.Partitions, partitions), append(g.Producers, producers)
			}
			c.Groups = append(c.Groups, g)
		}
		c = c.withDefaults()
		if err := c.Validate(); err != nil {
			return err.Error() + "\n"
		}
		return drawn(newLayout(c))
	})
}

func drawn(l *layout) string {
	var b strings.Builder
	for _, t := range l.topics {
		fmt.Fprintf(&b, "%s: cells %v clients %v\n", t.name, t.cells, t.lanes)
	}
	for i, lane := range l.lanes {
		fmt.Fprintf(&b, "client %d: producers %v cells %v pairs from %d\n", i, lane.producers, lane.cells, lane.pairs)
	}
	return b.String() + fmt.Sprintf("%d cells, %d pairs\n", l.cells, l.pairs)
}

// TestLayoutPairs: every producer has a pair of its own client for each cell of
// its topic, and no two clients or cells share one.
func TestLayoutPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Brokers: []string{"x:1"}, Topic: "t", Closed: true}
		for range rapid.IntRange(1, 4).Draw(t, "topics") {
			c.Groups = append(c.Groups, Group{
				Name:       fmt.Sprint(len(c.Groups)),
				Partitions: []int{rapid.IntRange(1, 5).Draw(t, "partitions")}, Producers: []int{rapid.IntRange(1, 5).Draw(t, "producers")},
			})
		}
		c.Clients = rapid.IntRange(1, c.totals().Producers).Draw(t, "clients")
		c.Topics = len(c.Groups)
		c = c.withDefaults()
		require.NoError(t, c.Validate())
		l := newLayout(c)
		owner := map[int][2]int{}
		for _, p := range l.producers {
			topic := l.topics[p.topic]
			require.True(t, topic.lanes.holds(p.lane))
			for cell := topic.cells.from; cell < topic.cells.to; cell++ {
				require.Equal(t, topic.name, l.topicOf(cell).name)
				pair, mine := l.pair(p.lane, cell), [2]int{p.lane, cell}
				require.Less(t, pair, l.pairs)
				if was, ok := owner[pair]; ok {
					require.Equal(t, was, mine)
				}
				owner[pair] = mine
			}
		}
	})
}

// TestPairsAreBounded: what would not fit into memory is refused with the way
// out, and that way is one.
func TestPairsAreBounded(t *testing.T) {
	c := Config{Brokers: []string{"x:1"}, Topic: "t", Rate: 1, Partitions: 10_000, Producers: 10_000}
	require.ErrorContains(t, c.Check(), "set clients to share them")
	c.Clients = 100
	require.NoError(t, c.Check())
}
