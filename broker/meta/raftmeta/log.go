package raftmeta

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// sink hands raft's log lines to slog, one level down: raft warns of every
// election, the one at each start of a quorum of one included.
type sink struct {
	logger *slog.Logger
}

func newLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Level: hclog.Info, Output: io.Discard})
	l.RegisterSink(&sink{logger: logger})
	return l
}

var levels = map[hclog.Level]slog.Level{
	hclog.Info:  slog.LevelDebug,
	hclog.Warn:  slog.LevelInfo,
	hclog.Error: slog.LevelError,
}

// Accept implements hclog.SinkAdapter.
func (s *sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	to, ok := levels[level]
	if !ok || !s.logger.Enabled(context.Background(), to) {
		return
	}
	attrs := make([]any, 0, len(args))
	for _, a := range args {
		if f, ok := a.(hclog.Format); ok {
			a = fmt.Sprintf(f[0].(string), f[1:]...)
		}
		attrs = append(attrs, a)
	}
	s.logger.Log(context.Background(), to, name+": "+msg, attrs...)
}
