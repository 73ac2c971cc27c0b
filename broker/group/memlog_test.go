package group

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memLog is a log in memory. It can be held, so that nothing becomes durable,
// and cut: what was not durable is gone.
type memLog struct {
	mu      sync.Mutex
	records []Record // from start on; durable and not
	start   int64
	durable int64 // offset; records from here on are in flight
	held    bool
	pending []func()

	unread error // what Read returns, unless nil
	rotten int64 // offset of a record that cannot be read, unless 0
	noTrim bool
	refuse error  // what Append returns
	fail   error  // what appends in flight get
	onStep func() // before every append and trim, for crashes
	trims  int
}

func (l *memLog) Append(_ context.Context, _ int64, records []Record, done func(int64, error)) error {
	l.step()
	l.mu.Lock()
	if l.refuse != nil {
		defer l.mu.Unlock()
		return l.refuse
	}
	base := l.start + int64(len(l.records))
	for _, r := range records {
		l.records = append(l.records, Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
	}
	end := base + int64(len(records))
	l.pending = append(l.pending, func() {
		if l.fail == nil {
			l.durable = end
		}
		done(base, l.fail)
	})
	held := l.held
	l.mu.Unlock()
	if !held {
		l.release()
	}
	return nil
}

func (l *memLog) step() {
	if l.onStep != nil {
		l.onStep()
	}
}

// release decides everything in flight.
func (l *memLog) release() {
	l.mu.Lock()
	p := l.pending
	l.pending, l.held = nil, false
	l.mu.Unlock()
	for _, fn := range p {
		fn()
	}
}

func (l *memLog) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
}

func (l *memLog) refuseTrim(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noTrim = yes
}

func (l *memLog) Commit() {}

func (l *memLog) Read(_ context.Context, fn func(Record), bad func(start, end int64, err error)) error {
	for i, r := range l.records[:l.durable-l.start] {
		if at := l.start + int64(i); l.rotten != 0 && at == l.rotten {
			bad(at, at+1, kerr.CorruptMessage)
		} else {
			r.Offset = at
			fn(r)
		}
	}
	return l.unread
}

func (l *memLog) Trim(_ context.Context, start int64) error {
	l.step()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noTrim {
		return kerr.OffsetOutOfRange
	}
	l.trims++
	l.records = l.records[start-l.start:]
	l.start = start
	return nil
}

// crash is the log as the next broker finds it.
func (l *memLog) crash() *memLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &memLog{records: append([]Record(nil), l.records[:l.durable-l.start]...), start: l.start, durable: l.durable}
}

var errLatched = errors.New("latched")

// memTopics knows a few topics.
type memTopics map[string][16]byte

func (t memTopics) TopicName(id [16]byte) (string, bool) {
	for name, i := range t {
		if i == id {
			return name, true
		}
	}
	return "", false
}

func (t memTopics) TopicID(name string) ([16]byte, bool) { id, ok := t[name]; return id, ok }
