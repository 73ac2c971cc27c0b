package doctor

import (
	"context"
	"fmt"
)

// wantFiles is room for a few thousand connections and as many open objects.
const wantFiles = 16384

func init() {
	register(check{order: 60, name: "file_limit", wanted: fmt.Sprintf("at least %d open files", wantFiles), run: fileLimit})
}

func fileLimit(_ context.Context, s *System) answer {
	soft, hard, err := s.FileLimit()
	found := fmt.Sprintf("%d (hard limit %d)", soft, hard)
	switch {
	case err != nil:
		return bad(err.Error(), fmt.Sprintf("ulimit -n %d", wantFiles))
	case soft >= wantFiles:
		return fine("%s", found)
	case hard >= wantFiles:
		return bad(found, fmt.Sprintf("ulimit -n %d", wantFiles))
	default:
		return bad(found, fmt.Sprintf("raise the hard limit: LimitNOFILE=%d in the unit, or --ulimit nofile=%d of the container", wantFiles, wantFiles))
	}
}
