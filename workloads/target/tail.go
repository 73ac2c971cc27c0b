package target

import (
	"io"
	"strings"
	"sync"
)

// tailBytes of stderr are kept to explain why a broker ended.
const tailBytes = 4096

// tailWriter passes stderr on to the log file and keeps its end.
type tailWriter struct {
	file io.Writer

	mu   sync.Mutex
	last []byte // guarded by mu, at most tailBytes
}

// Write is called by the goroutine that os/exec runs for stderr.
func (w *tailWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.last = append(w.last, p...)
	if n := len(w.last) - tailBytes; n > 0 {
		w.last = append(w.last[:0], w.last[n:]...)
	}
	w.mu.Unlock()
	return w.file.Write(p)
}

// message is what the broker wanted its user to read: the last line that
// starts with "tide: ", up to the end; else the last line.
func (w *tailWriter) message() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.TrimSpace(string(w.last))
	if text == "" {
		return "it said nothing"
	}
	if i := strings.LastIndex("\n"+text, "\ntide: "); i >= 0 {
		return strings.TrimPrefix(text[i:], "tide: ")
	}
	return text[strings.LastIndexByte(text, '\n')+1:]
}
