package group

import (
	"bytes"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one member of a group.
type member struct {
	id       string
	instance *string // group.instance.id of a static member
	order    int64   // of joining

	clientID, clientHost string

	session   time.Duration // dies when silent for so long
	rebalance time.Duration // may take so long to join again
	protocols []kmsg.JoinGroupRequestProtocol

	assignment []byte
	synced     bool // has asked for the assignment of this generation

	// join and sync are where the member's request waits, nil when it does
	// not; capacity 1, so that answering never blocks. While one waits the
	// member is alive by definition.
	join chan joinAnswer
	sync chan syncAnswer

	deadline time.Time   // of the next heartbeat
	timer    *time.Timer // fires at some deadline; see group.watch
}

func (m *member) waiting() bool { return m.join != nil || m.sync != nil }

// matches tells whether the member's protocols are the ones given.
func (m *member) matches(protocols []kmsg.JoinGroupRequestProtocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a, b kmsg.JoinGroupRequestProtocol) bool {
		return a.Name == b.Name && bytes.Equal(a.Metadata, b.Metadata)
	})
}

func (m *member) supports(protocol string) bool {
	return slices.ContainsFunc(m.protocols, func(p kmsg.JoinGroupRequestProtocol) bool { return p.Name == protocol })
}

// metadata is what the member says under a protocol: its subscription.
func (m *member) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return []byte{}
}

// cloneProtocols copies what aliases the request's buffer.
func cloneProtocols(ps []kmsg.JoinGroupRequestProtocol) []kmsg.JoinGroupRequestProtocol {
	out := make([]kmsg.JoinGroupRequestProtocol, len(ps))
	for i, p := range ps {
		out[i] = kmsg.JoinGroupRequestProtocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)}
	}
	return out
}

func protocolBytes(ps []kmsg.JoinGroupRequestProtocol) int {
	n := 0
	for _, p := range ps {
		n += len(p.Name) + len(p.Metadata)
	}
	return n
}
