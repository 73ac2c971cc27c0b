package compare

import (
	"fmt"
	"slices"
)

// pair is one configuration on both sides, or two that are set against each
// other.
type pair struct {
	a, b         *group
	sideA, sideB *side
}

// match finds the pairs, in the order of a, and says which groups have none.
func match(a, b *side) (pairs []pair, alone []string) {
	left, right := pointers(a.groups), pointers(b.groups)
	take := func(same func(x, y *group) bool) {
		for _, x := range slices.Clone(left) {
			j := slices.IndexFunc(right, func(y *group) bool { return same(x, y) })
			if j < 0 {
				continue
			}
			pairs = append(pairs, pair{x, right[j], a, b})
			right = slices.Delete(right, j, j+1)
			left = slices.DeleteFunc(left, func(g *group) bool { return g == x })
		}
	}
	take(func(x, y *group) bool { return x.key == y.key })
	if !a.groups[0].cell {
		only := func(list []*group, workload string) bool {
			n := 0
			for _, g := range list {
				if g.workload == workload {
					n++
				}
			}
			return n == 1
		}
		take(func(x, y *group) bool {
			return x.workload == y.workload && only(left, x.workload) && only(right, x.workload)
		})
		single := len(a.groups) == 1 && len(b.groups) == 1
		take(func(x, y *group) bool { return single })
	}
	for _, g := range left {
		alone = append(alone, notCompared("A", g, right))
	}
	for _, g := range right {
		alone = append(alone, notCompared("B", g, left))
	}
	return pairs, alone
}

func notCompared(where string, g *group, others []*group) string {
	why := "the other side has none of it"
	if slices.ContainsFunc(others, func(o *group) bool { return o.workload == g.workload && !g.cell }) {
		why = "there are several configurations of this workload, and none is the same on both sides"
	}
	return fmt.Sprintf("only in %s, not compared: %s: %s", where, g.name, why)
}

func pointers(list []group) []*group {
	out := make([]*group, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
