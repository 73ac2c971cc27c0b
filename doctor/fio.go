package doctor

import (
	"context"
	"strings"
)

func init() {
	register(check{order: 90, name: "fio", wanted: "installed, as the ceiling beside each raw cell", run: fio})
}

func fio(ctx context.Context, s *System) answer {
	out, err := s.Program(ctx, "fio", "--version")
	if err != nil {
		return bad("not there: "+err.Error(), "install it: apt-get install fio, or dnf install fio")
	}
	return fine("%s", strings.TrimSpace(out))
}
