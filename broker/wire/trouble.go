package wire

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/stream"
)

// troublePause is the least time between two lines about the same kind of
// trouble: clients repeat a failed request as fast as they can, and the first
// line says all that there is to say.
const troublePause = time.Second

// place is what an error is about, as far as it is known.
type place struct {
	topic     string
	partition int32 // −1: none
	offset    int64 // −1: none
}

// kindOfTrouble is a code together with what is at the bottom of it, so that a
// missing object does not keep a failed log from being heard of.
type kindOfTrouble struct {
	code int16
	hint string
}

// troubles logs the errors behind KAFKA_STORAGE_ERROR and
// UNKNOWN_SERVER_ERROR, from which a client learns nothing.
type troubles struct {
	logger *slog.Logger

	mu    sync.Mutex
	kinds map[kindOfTrouble]*spell // guarded by mu; as many as there are hints, times two
}

// spell is one kind's recent past.
type spell struct {
	last       time.Time // of a line
	suppressed int64     // errors since then
}

// admit tells whether an error of the kind may be logged now, and how many
// were not since the line before.
func (t *troubles) admit(kind kindOfTrouble, now time.Time) (suppressed int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.kinds[kind]
	if s == nil {
		if t.kinds == nil {
			t.kinds = make(map[kindOfTrouble]*spell)
		}
		s = new(spell)
		t.kinds[kind] = s
	} else if now.Sub(s.last) < troublePause {
		s.suppressed++
		return 0, false
	}
	suppressed, s.suppressed, s.last = s.suppressed, 0, now
	return suppressed, true
}

func (t *troubles) log(c *conn, ke *kerr.Error, err error, at place) {
	hint := remedy(err)
	suppressed, ok := t.admit(kindOfTrouble{ke.Code, hint}, time.Now())
	if !ok {
		return
	}
	attrs := []any{"remote", c.remote}
	if at.topic != "" {
		attrs = append(attrs, "topic", at.topic)
	}
	if at.partition >= 0 {
		attrs = append(attrs, "partition", at.partition)
	}
	if at.offset >= 0 {
		attrs = append(attrs, "offset", at.offset)
	}
	attrs = append(attrs, "err", err, "hint", hint)
	if suppressed > 0 {
		attrs = append(attrs, "suppressed", suppressed)
	}
	t.logger.Error("a client was answered "+ke.Message, attrs...)
}

// remedies are in the order in which they are looked for: the deepest first.
var remedies = []struct {
	is   error
	hint string
}{
	{objstore.ErrNotFound, "the metadata names an object that the store does not have: see that the broker points at the right bucket and prefix, and that no lifecycle rule deletes objects there"},
	{objstore.ErrRange, "an object is shorter than the metadata says: something else wrote to the bucket; restore the object"},
	{object.ErrCorrupt, "an object's checksum is wrong: restore it from a version or a copy of the bucket; consumers can go on behind the damage by seeking"},
	{kerr.CorruptMessage, "a stored batch's checksum is wrong: restore the object from a version or a copy of the bucket; consumers can go on behind the damage by seeking"},
	{stream.ErrFailed, "the write-ahead log refused a write and takes no more: the first error in this log says why; repair the device and start the broker again"},
}

// remedy is what the operator can do about err.
func remedy(err error) string {
	for _, r := range remedies {
		if errors.Is(err, r.is) {
			return r.hint
		}
	}
	return "the object store or the metadata did not answer as expected; the request is safe to repeat. If it stays, look at the lines before this one"
}
