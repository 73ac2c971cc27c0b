//go:build race

package compact

import "time"

// dayLength under the race detector: one goroutine does it all, and the whole
// day takes minutes.
const dayLength = 6 * time.Hour
