//go:build !race

package compact

import "time"

const dayLength = 24 * time.Hour
