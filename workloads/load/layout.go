package load

import (
	"fmt"
	"sort"
)

// maxPairs bounds the sequences that are remembered, 8 bytes each: 512 MiB.
const maxPairs = 1 << 26

// layout numbers what a load consists of. Partitions are counted over all
// topics (such a number is a cell), topics and producers over all groups.
//
//	topics    0 ───────────────── 1 ───────── 2 ──
//	cells     0  1  2  3          4  5        6
//	producers 0  1  2             3  4        5      each writes to one topic
//	lanes     0     1             1  2        2      the clients that they share
//
// Producers that stand beside each other share a client, so that a client has
// few topics and a lane writes to a span of cells. Sequences are dense per lane
// and cell: a pair is what has an order that can be checked.
type layout struct {
	topics    []topicPlan
	producers []producerPlan
	lanes     []lanePlan
	cells     int
	pairs     int

	firstCells map[string]int // by topic's name
}

// span is [from, to).
type span struct{ from, to int }

func (s span) size() int { return s.to - s.from }

func (s span) holds(i int) bool { return i >= s.from && i < s.to }

type topicPlan struct {
	name  string
	group int
	cells span
	lanes span // that write to it; empty without producers
}

type producerPlan struct{ topic, lane int }

// lanePlan is a producing client's part.
type lanePlan struct {
	producers span
	cells     span
	pairs     int // number of its first pair
}

// newLayout of a valid configuration with its defaults.
func newLayout(c Config) *layout {
	l := &layout{}
	for i, g := range c.Groups {
		for j, partitions := range g.Partitions {
			topic := len(l.topics)
			l.topics = append(l.topics, topicPlan{
				name: c.topicName(g.Name, j), group: i, cells: span{l.cells, l.cells + partitions},
			})
			l.cells += partitions
			for range g.Producers[j] {
				l.producers = append(l.producers, producerPlan{topic: topic})
			}
		}
	}
	if len(c.Groups) > 0 && len(l.topics) == 1 && c.Groups[0].Name == "" {
		l.topics[0].name = c.Topic
	}
	l.firstCells = make(map[string]int, len(l.topics))
	for _, t := range l.topics {
		l.firstCells[t.name] = t.cells.from
	}
	l.share(c.Clients)
	return l
}

// topicOf a cell.
func (l *layout) topicOf(cell int) topicPlan {
	i := sort.Search(len(l.topics), func(i int) bool { return l.topics[i].cells.to > cell })
	return l.topics[i]
}

// topicName of topic i of a group.
func (c Config) topicName(group string, i int) string {
	if group != "" {
		group = "-" + group
	}
	return fmt.Sprintf("%s%s-%d", c.Topic, group, i)
}

// share gives each client an equal part of the producers.
func (l *layout) share(clients int) {
	n := len(l.producers)
	for i := range clients {
		of := span{i * n / clients, (i + 1) * n / clients}
		first, last := &l.topics[l.producers[of.from].topic], &l.topics[l.producers[of.to-1].topic]
		lane := lanePlan{producers: of, cells: span{first.cells.from, last.cells.to}, pairs: l.pairs}
		for p := of.from; p < of.to; p++ {
			l.producers[p].lane = i
		}
		for t := l.producers[of.from].topic; t <= l.producers[of.to-1].topic; t++ {
			if l.topics[t].lanes.size() == 0 {
				l.topics[t].lanes.from = i
			}
			l.topics[t].lanes.to = i + 1
		}
		l.pairs += lane.cells.size()
		l.lanes = append(l.lanes, lane)
	}
}

// pair is the number of a lane and one of its cells.
func (l *layout) pair(lane, cell int) int {
	p := &l.lanes[lane]
	return p.pairs + cell - p.cells.from
}

// names of all topics, in the order of their cells.
func (l *layout) names() []string {
	names := make([]string, len(l.topics))
	for i, t := range l.topics {
		names[i] = t.name
	}
	return names
}

// bySize are the topics' names by their number of partitions.
func (l *layout) bySize() map[int][]string {
	out := map[int][]string{}
	for _, t := range l.topics {
		out[t.cells.size()] = append(out[t.cells.size()], t.name)
	}
	return out
}
