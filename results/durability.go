package results

import "strings"

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
// from target to target.
func (d Durability) Class() DurabilityClass {
	switch cut := d.PowerCut; {
	case d.Flush == "none", strings.Contains(cut, "may lose"), strings.Contains(cut, "loses everything"):
		return Volatile
	case strings.Contains(cut, "loses nothing acknowledged"):
		return Durable
	}
	return Unknown
}
