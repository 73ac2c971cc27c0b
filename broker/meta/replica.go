package meta

import (
	"context"
	"log/slog"
)

// Replica is a broker's copy of the metadata.
type Replica struct{}

// NewReplica returns an empty one.
func NewReplica(c Controller, logger *slog.Logger) *Replica { panic("meta: not there yet") }

// Watch registers fn, before Run only.
func (r *Replica) Watch(fn func(Change)) { panic("meta: not there yet") }

// Run follows the controller until ctx ends.
func (r *Replica) Run(ctx context.Context) error { panic("meta: not there yet") }

// WaitFor returns once the replica has applied index.
func (r *Replica) WaitFor(ctx context.Context, index uint64) error { panic("meta: not there yet") }

// Propose is Controller.Propose plus WaitFor.
func (r *Replica) Propose(ctx context.Context, cmd Command) (Result, error) {
	panic("meta: not there yet")
}

// Sync waits for everything applied before the call (Barrier plus WaitFor).
func (r *Replica) Sync(ctx context.Context) error { panic("meta: not there yet") }

// Index is the last one applied.
func (r *Replica) Index() uint64 { panic("meta: not there yet") }

// Topic by name.
func (r *Replica) Topic(name string) (Topic, bool) { panic("meta: not there yet") }

// TopicByID by id.
func (r *Replica) TopicByID(id [16]byte) (Topic, bool) { panic("meta: not there yet") }

// Topics by name.
func (r *Replica) Topics() []Topic { panic("meta: not there yet") }

// Stream by id.
func (r *Replica) Stream(id int64) (Stream, bool) { panic("meta: not there yet") }

// Streams by id.
func (r *Replica) Streams() []Stream { panic("meta: not there yet") }

// Object by id.
func (r *Replica) Object(id int64) (Object, bool) { panic("meta: not there yet") }

// Objects in one state, by id.
func (r *Replica) Objects(state ObjectState) []Object { panic("meta: not there yet") }

// Node by id.
func (r *Replica) Node(id int32) (Node, bool) { panic("meta: not there yet") }

// Nodes by id.
func (r *Replica) Nodes() []Node { panic("meta: not there yet") }

// BrokerConfigs of one broker (by decimal node id, "" = default of all).
func (r *Replica) BrokerConfigs(name string) map[string]string { panic("meta: not there yet") }
