package prefetch

// Item is a block that is to be loaded ahead.
type Item[T any] struct {
	Block Block
	Cost  int64 // what it takes of the room, bytes
	What  T     // the driver's own
}

// Queue holds what was proposed until a GET may begin, for the broker's block
// cache and for the simulator alike. Adjacent blocks of an object that were
// proposed together stand in one group, which is one GET:
//
//	proposed   a1 a2 a3 │ a7 a8 │ b1
//	GETs       └──────┘   └───┘   └┘
//
// Memory is taken when the GET begins, not before. A reader that wants a block
// earlier takes it out of the queue and loads it itself. Room bounds what is in
// the queue, on its way and unread, together; the driver accounts for the latter
// two with Hold.
type Queue[T any] struct {
	room    int64
	most    int // bytes of adjacent blocks in one group, at most
	groups  []group[T]
	waiting map[at]int64 // the blocks in groups, with their cost
	bytes   int64        // these costs, and what is held
}

// at names a block.
type at struct{ object, position int64 }

type group[T any] struct {
	items []Item[T]
	size  int // bytes of the blocks
}

// NewQueue with a room in bytes of cost and a largest GET in bytes. A larger
// block is a GET all the same.
func NewQueue[T any](room int64, mostGET int) *Queue[T] {
	return &Queue[T]{room: room, most: mostGET, waiting: make(map[at]int64)}
}

// Has says that the block waits.
func (q *Queue[T]) Has(object, position int64) bool {
	_, ok := q.waiting[at{object, position}]
	return ok
}

// Add appends a block that does not wait yet; to the newest group when it was
// proposed together with that one's last block (mayJoin) and stands behind it.
// false: there is no room for it.
func (q *Queue[T]) Add(i Item[T], mayJoin bool) bool {
	if q.bytes+i.Cost > q.room {
		return false
	}
	q.waiting[at{i.Block.Object, i.Block.Position}] = i.Cost
	q.bytes += i.Cost
	if n := len(q.groups); mayJoin && n > 0 && q.groups[n-1].takes(i.Block, q.most) {
		q.groups[n-1].items = append(q.groups[n-1].items, i)
		q.groups[n-1].size += int(i.Block.Size)
		return true
	}
	q.groups = append(q.groups, group[T]{[]Item[T]{i}, int(i.Block.Size)})
	return true
}

func (g *group[T]) takes(b Block, most int) bool {
	last := g.items[len(g.items)-1].Block
	return Adjacent(last, b) && g.size+int(b.Size) <= most
}

// Adjacent says that b stands right behind a, so that one GET brings both.
func Adjacent(a, b Block) bool {
	return a.Object == b.Object && a.Position+int64(a.Size) == b.Position
}

// Take removes a block, and reports whether it was there.
func (q *Queue[T]) Take(object, position int64) bool {
	cost, ok := q.waiting[at{object, position}]
	if ok {
		delete(q.waiting, at{object, position})
		q.bytes -= cost
	}
	return ok
}

// Next removes the first adjacent blocks that still wait: the next GET. They
// keep their place in the room; whoever begins the load Takes each of them, and
// Holds what it costs. Empty: nothing waits.
func (q *Queue[T]) Next() []Item[T] {
	for len(q.groups) > 0 {
		g := &q.groups[0]
		n, skip := 0, 0
		for _, i := range g.items {
			if q.Has(i.Block.Object, i.Block.Position) {
				n++
			} else if n > 0 {
				break
			} else {
				skip++
			}
		}
		run := g.items[skip : skip+n]
		if g.items = g.items[skip+n:]; len(g.items) == 0 {
			q.groups[0] = group[T]{}
			q.groups = q.groups[1:]
		}
		if n > 0 {
			return run
		}
	}
	q.groups = nil
	return nil
}

// Hold accounts for bytes that are on their way or unread; negative when they
// are read, or gone.
func (q *Queue[T]) Hold(cost int64) { q.bytes += cost }

// Promised is what prefetchers may count on, in bytes of blocks: an eighth less
// than the room, since a block may take that much more of it than its bytes.
func (q *Queue[T]) Promised() int64 { return q.room - q.room/8 }

// Bytes is what waits and is held.
func (q *Queue[T]) Bytes() int64 { return q.bytes }

// Waiting says that there may be something for Next.
func (q *Queue[T]) Waiting() bool { return len(q.groups) > 0 }

// Clear forgets what waits.
func (q *Queue[T]) Clear() {
	for k := range q.waiting {
		q.Take(k.object, k.position)
	}
	q.groups = nil
}
