package meta

import "context"

// Controller is the log of commands as a broker sees it: raftmeta.Node here,
// Local in tests. Safe for concurrent use.
type Controller interface {
	// Propose puts cmd into the log and returns once it was applied durably. A
	// refusal by the state machine is one of this package's errors. Any other
	// error, ctx's included, leaves the outcome open: the command may yet be
	// applied, which is why every command may be repeated.
	Propose(ctx context.Context, cmd Command) (Result, error)
	// Follow waits until something was applied after the index given and returns
	// it: changes in order, or a whole image when the change log no longer
	// reaches back so far. The update is the caller's; what it holds is immutable.
	Follow(ctx context.Context, after uint64) (Update, error)
	// Barrier returns an index at or beyond every command that was applied before
	// the call. A replica that has reached it reads linearizably (Replica.Sync).
	Barrier(ctx context.Context) (uint64, error)
}

// Update is what a follower has missed.
type Update struct {
	Index   uint64  // the follower's position after applying it
	Image   *Image  // not nil: replaces everything; it belongs to the receiver
	Entries []Entry // ascending, all after the follower's position
}

// Entry is the changes of one command: applied together or not at all.
type Entry struct {
	Index   uint64
	Changes []Change
}
