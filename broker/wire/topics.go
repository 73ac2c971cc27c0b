package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/meta"
)

// RandomTopicID draws a UUID of version 4. Kafka reserves those that start
// with a dash in its text form, and 0 and 1: bits that the version rules out.
func RandomTopicID() (id [16]byte) {
	rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// topic finds a topic by name, or creates it with the broker's defaults.
func (c *conn) topic(ctx context.Context, name string, create bool) (meta.Topic, error) {
	if t, ok := c.srv.cfg.Metadata.Topic(name); ok {
		return t, nil
	}
	if err := checkTopicName(name); err != nil {
		return meta.Topic{}, err
	}
	if !create {
		return meta.Topic{}, kerr.UnknownTopicOrPartition
	}
	err := c.create(ctx, c.newTopic(name))
	if err != nil && !errors.Is(err, meta.ErrTopicExists) { // by another connection meanwhile
		return meta.Topic{}, err
	}
	t, ok := c.srv.cfg.Metadata.Topic(name)
	if !ok {
		return meta.Topic{}, kerr.LeaderNotAvailable // deleted at once; the client asks again
	}
	return t, nil
}

// newTopic is a command with the broker's defaults.
func (c *conn) newTopic(name string) meta.CreateTopic {
	cfg := &c.srv.cfg
	return meta.CreateTopic{
		NodeID: cfg.NodeID, NodeEpoch: cfg.NodeEpoch(), Name: name, ID: cfg.NewTopicID(),
		Partitions: cfg.DefaultPartitions, Replication: cfg.DefaultReplication,
	}
}

// create proposes a topic and waits until its partitions can be used.
func (c *conn) create(ctx context.Context, cmd meta.CreateTopic) error {
	if err := c.checkCollision(cmd.Name); err != nil {
		return err
	}
	if _, err := c.srv.cfg.Metadata.Propose(ctx, cmd); err != nil {
		return err
	}
	return c.srv.cfg.Partitions.Ensure(ctx, cmd.Name)
}

// checkTopicName holds Kafka's rules.
func checkTopicName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("topic name %q: %w", name, kerr.InvalidTopicException)
	case len(name) > meta.MaxTopicName:
		return fmt.Errorf("topic name of %d characters, at most %d: %w", len(name), meta.MaxTopicName, kerr.InvalidTopicException)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-') {
			return fmt.Errorf("topic name %q: only letters, digits, '.', '_' and '-': %w", name, kerr.InvalidTopicException)
		}
	}
	return nil
}

// checkCollision refuses a.b beside a_b, as Kafka does: both have the same
// name in metrics.
func (c *conn) checkCollision(name string) error {
	if !strings.ContainsAny(name, "._") {
		return nil
	}
	same := strings.ReplaceAll(name, ".", "_")
	for _, t := range c.srv.cfg.Metadata.Topics() {
		if t.Name != name && strings.ReplaceAll(t.Name, ".", "_") == same {
			return fmt.Errorf("topic name %q collides with %q: %w", name, t.Name, kerr.InvalidTopicException)
		}
	}
	return nil
}
