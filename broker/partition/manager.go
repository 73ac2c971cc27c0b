package partition

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/stream"
)

// Config is what a Manager needs.
type Config struct {
	Engine *stream.Engine   // opens the streams behind the partitions
	Meta   *meta.Replica    // topics and leaders
	NodeID int32            // this node
	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default()

	MaxMessageBytes int           // bytes of one batch, default 1048588, as in Kafka; topics override it
	ProducerExpiry  time.Duration // default 24 h: producer.id.expiration.ms
}

// Manager holds the partitions that this node leads.
type Manager struct{}

// NewManager must be called before the replica runs: it watches its changes.
func NewManager(cfg Config) (*Manager, error) { panic("skeleton") }

// Run opens and closes partitions as the metadata changes, until ctx ends.
func (m *Manager) Run(ctx context.Context) error { panic("skeleton") }

// Get finds a partition: kerr.UnknownTopicOrPartition, kerr.NotLeaderForPartition.
func (m *Manager) Get(topic string, p int32) (*Partition, error) { panic("skeleton") }

// GetByID is Get by topic id: kerr.UnknownTopicID.
func (m *Manager) GetByID(id [16]byte, p int32) (*Partition, error) { panic("skeleton") }

// Ensure opens the partitions of a topic that this node leads, as after a
// topic has been created, and returns when they can be used.
func (m *Manager) Ensure(ctx context.Context, topic string) error { panic("skeleton") }
