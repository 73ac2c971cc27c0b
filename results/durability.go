package results

import (
	"slices"
	"strings"
)

// DurabilityClass is what a power cut leaves of what was acknowledged, in one
// word. Rows of different classes never share a family of colours.
type DurabilityClass string

// The classes.
const (
	Durable  DurabilityClass = "durable"  // loses nothing acknowledged
	Volatile DurabilityClass = "volatile" // may lose acknowledged records
	Unknown  DurabilityClass = "unknown"  // nobody said
)

// Class goes by what the run says of a power cut: the words for flushes differ
// from target to target. A result that has only such a word goes by it.
func (d Durability) Class() DurabilityClass {
	switch cut := d.PowerCut; {
	case strings.Contains(cut, "loses nothing acknowledged"):
		return Durable
	case d.Flush == "none", strings.Contains(cut, "lose"):
		return Volatile
	case cut == "" && slices.Contains(durableFlushes, d.Flush):
		return Durable
	}
	return Unknown
}

// durableFlushes are the words of WALs and rivals after which nothing is lost.
var durableFlushes = []string{"dsync", "fdatasync", "direct", "fsync"}
