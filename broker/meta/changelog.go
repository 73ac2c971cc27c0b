package meta

import "sort"

// LogLimits bound the log of changes. A follower further behind takes an image,
// which costs a pass over all the metadata.
type LogLimits struct {
	Entries int // default 10,000
	Bytes   int // default 16 MiB, by the estimate of Change.weight; one larger entry is kept alone
}

func (l LogLimits) withDefaults() LogLimits {
	if l.Entries <= 0 {
		l.Entries = 10_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 16 << 20
	}
	return l
}

// updateEntries bounds one Update, so that a follower far behind does not make
// one answer of the whole log.
const updateEntries = 1_000

// changeLog is the last changes in order. Indexes without changes have no entry.
//
//	        from                       state's index
//	─────────┤ entry  entry   entry  entry ├
//	dropped  │ complete: every change after from is here
type changeLog struct {
	limits  LogLimits
	from    uint64
	entries []Entry
	bytes   int
	dropped uint64
}

func (l *changeLog) add(e Entry) {
	l.entries = append(l.entries, e)
	l.bytes += weightOf(e)
	for len(l.entries) > 1 && (len(l.entries) > l.limits.Entries || l.bytes > l.limits.Bytes) {
		l.from = l.entries[0].Index
		l.bytes -= weightOf(l.entries[0])
		l.entries[0] = Entry{} // the array lives on until append replaces it; its values need not
		l.entries = l.entries[1:]
		l.dropped++
	}
}

func weightOf(e Entry) int {
	sum := 0
	for _, c := range e.Changes {
		sum += c.weight()
	}
	return sum
}

// since gives the entries after an index ≥ from; last is the state's index.
func (l *changeLog) since(after, last uint64) Update {
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].Index > after })
	rest := l.entries[i:]
	if len(rest) > updateEntries {
		rest = rest[:updateEntries]
		last = rest[len(rest)-1].Index
	}
	// A copy: add clears slots of the array.
	return Update{Index: last, Entries: append([]Entry(nil), rest...)}
}

func (l *changeLog) restart(index uint64) {
	l.from, l.entries, l.bytes = index, nil, 0
}
