package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pageData is the JSON in every page.
type pageData struct {
	Kind   string    `json:"kind"` // trial, overlay or matrix
	Ticks  []float64 `json:"ticks"`
	Trials []*digest `json:"trials"`
	Arms   []string  `json:"arms,omitempty"` // names of configurations
	Facets []facet   `json:"facets,omitempty"`
}

// facet is a key with more than one value, and which of them each trial has.
type facet struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
	Of     []int    `json:"of"` // by trial; index into Values
	// Within says that it differs between trials of one workload, not only
	// because the workloads are different ones.
	Within bool `json:"within"`
}

// absent is the value of a key that a trial does not have.
const absent = "–"

// facetsOf lists the keys on which trials differ, in order.
func facetsOf(trials []*digest, of func(*digest) map[string]string) []facet {
	keys := map[string]bool{}
	for _, t := range trials {
		for k := range of(t) {
			keys[k] = true
		}
	}
	var out []facet
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if f := facetOf(trials, key, of); len(f.Values) > 1 {
			out = append(out, f)
		}
	}
	return out
}

func facetOf(trials []*digest, key string, of func(*digest) map[string]string) facet {
	f := facet{Key: key}
	first := map[string]int{} // workload → value of its first trial
	for _, t := range trials {
		v, ok := of(t)[key]
		if !ok || v == "" {
			v = absent
		}
		i := slices.Index(f.Values, v)
		if i < 0 {
			i = len(f.Values)
			f.Values = append(f.Values, v)
		}
		f.Of = append(f.Of, i)
		if was, seen := first[t.Workload]; !seen {
			first[t.Workload] = i
		} else if was != i {
			f.Within = true
		}
	}
	return f
}

// armsOf numbers the configurations, in the order in which they come: a target
// with its settings. Of the settings only those count that differ within a
// workload; the others are the workload's own.
func armsOf(trials []*digest, facets []facet) []string {
	facets = slices.DeleteFunc(slices.Clone(facets), func(f facet) bool { return !f.Within })
	var first []int // trial of each arm
	at := map[string]int{}
	for i, t := range trials {
		key := t.Target
		for _, f := range facets {
			key += "\x00" + f.Values[f.Of[i]]
		}
		n, seen := at[key]
		if !seen {
			n = len(first)
			at[key] = n
			first = append(first, i)
		}
		t.Arm = n
	}
	return armNames(trials, first, facets)
}

// armNames are as short as they can be and still differ: the target without its
// settings, then with those of the broker that differ, then with the load's too.
func armNames(trials []*digest, first []int, facets []facet) []string {
	var names []string
	for _, uses := range []func(key string) bool{
		func(string) bool { return false },
		func(key string) bool { return !strings.HasPrefix(key, "load.") && !strings.HasPrefix(key, "bench.") },
		func(string) bool { return true },
	} {
		names = names[:0]
		seen := map[string]bool{}
		for _, i := range first {
			names = append(names, armName(trials[i], i, facets, uses))
			seen[names[len(names)-1]] = true
		}
		if len(seen) == len(names) {
			return names
		}
	}
	return distinct(names)
}

// localTier is Kafka's storage manager for tests, which keeps segments in a
// directory: a name that did not say so would be taken for tiering into S3.
const localTier = "LocalTieredStorage"

// armName is the target without its settings, and then those that differ.
func armName(t *digest, i int, facets []facet, uses func(key string) bool) string {
	base, _, _ := strings.Cut(t.Target, "?")
	if strings.HasSuffix(t.config["kafka.remote.log.storage.manager.class.name"], localTier) {
		base += " (" + localTier + ")"
	}
	parts := []string{base}
	for _, f := range facets {
		if v := f.Values[f.Of[i]]; v != absent && uses(f.Key) {
			parts = append(parts, strings.TrimPrefix(f.Key, "broker.")+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// distinct numbers names that are not.
func distinct(names []string) []string {
	seen := map[string]int{}
	out := slices.Clone(names)
	for i, n := range names {
		seen[n]++
		if seen[n] > 1 {
			out[i] = fmt.Sprintf("%s (%d)", n, seen[n])
		}
	}
	return out
}
