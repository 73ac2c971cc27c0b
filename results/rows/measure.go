package rows

import "strings"

// suffixes of names that say what a number is. The longer ones come first.
var suffixes = []struct {
	suffix string
	unit   string // in Go's benchmarks
	scale  float64
	better int
}{
	{"s_per_gib", "sec/GiB", 1, Lower},
	{"mib_per_s", "B/s", 1 << 20, Higher},
	{"per_s", "/s", 1, Higher},
	{"rss_mib", "rss-B", 1 << 20, Lower},
	{"rss_less_arenas_mib", "rss-less-arenas-B", 1 << 20, Lower},
	{"peak_memory_mib", "peak-memory-B", 1 << 20, Lower},
	{"us", "ns", 1000, Lower},
	{"ms", "ns", 1e6, Lower},
}

// Measure is the metric that a name stands for that is not one of Metrics: a
// key of a matrix's command, or a figure. False for what is no measure, such as
// a count or a setting.
func Measure(name string) (Metric, bool) {
	for _, s := range suffixes {
		stem, ok := strings.CutSuffix("_"+name, "_"+s.suffix)
		if !ok {
			continue
		}
		unit := s.unit
		if stem = strings.ReplaceAll(strings.Trim(stem, "_"), "_", "-"); stem != "" {
			unit = strings.ReplaceAll(stem+"-"+unit, "-/", "/")
		}
		return Metric{Name: name, Better: s.better, Main: true, Bench: unit, Scale: s.scale}, unit[0] != '/'
	}
	return Metric{}, false
}
