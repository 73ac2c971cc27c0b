package cost

import (
	"fmt"
	"math"
)

// Kind of a system, as far as its cost is concerned.
type Kind int

// The three that F8 compares.
const (
	Tide        Kind = iota // one copy in a log on a volume, then in objects
	Kafka                   // replicas on volumes
	KafkaTiered             // KIP-405: replicas on volumes for some hours, then in objects
)

// String names the system as a figure does.
func (k Kind) String() string {
	return [...]string{"tide", "Kafka", "Kafka tiered (KIP-405)"}[k]
}

// Measured is what one broker was seen to do for each GiB that producers wrote
// to it, with consumers at the tail.
type Measured struct {
	CPUSeconds float64  // of the broker's process
	Requests   Requests // to the store
	Stored     float64  // bytes put into objects for each byte written; 0: none are
	WALIOs     float64  // I/Os to the log's device, as it counts them: one for each 256 KiB of a write
	WALBytes   float64  // bytes of them
}

// Rows are $ per GiB written.
type Rows struct {
	Compute  float64
	Storage  float64
	Requests float64
	CrossAZ  float64
	Nodes    int // brokers behind Compute
}

// Sum of the four rows.
func (r Rows) Sum() float64 { return r.Compute + r.Storage + r.Requests + r.CrossAZ }

// PerGiB puts prices on a system at the scenario's rate.
//
//	compute   brokers × price of an hour ÷ GiB an hour; as many brokers as their
//	          measured CPU asks for, at least one in each zone
//	storage   what is kept, for as long as it is kept, and the volumes
//	requests  as measured
//	cross-AZ  bytes that cross zones × price: see crossings
//
// Four things are in Kafka's favour: the work of its followers is not counted
// as CPU, its volumes are bought for what they hold on average, with no IOPS beyond
// those that are free, and its readers use the replica in their own zone where the
// scenario says so.
func (b Book) PerGiB(k Kind, m Measured) Rows {
	s := b.Scenario
	nodes := b.nodes(m)
	perHour := s.RateMiBPerSec / 1024 * 3600 // GiB
	r := Rows{
		Nodes:    nodes,
		Compute:  float64(nodes) * b.Instances[s.Instance].Hour / perHour,
		Requests: m.Requests.USD(b.S3[s.S3]),
		CrossAZ:  b.CrossAZGB * s.crossings(k),
	}
	objects := b.S3[s.S3].Kept(m.Stored*gib, s.RetentionHours)
	switch k {
	case Tide:
		r.Storage = objects + b.logs(nodes, m)/HoursPerMonth/perHour
	case Kafka:
		r.Storage = b.volumes(s.RetentionHours, nodes)
	case KafkaTiered:
		r.Storage = objects + b.volumes(min(s.HotHours, s.RetentionHours), nodes)
	}
	return r
}

// nodes are at least one in each zone, and as many as the CPU asks for.
func (b Book) nodes(m Measured) int {
	s := b.Scenario
	cores := m.CPUSeconds * s.RateMiBPerSec / 1024
	return int(math.Ceil(max(s.Zones, cores/(b.Instances[s.Instance].VCPU*s.CPUShare))))
}

// crossings are how often a byte that is written crosses from zone to zone:
//
//	(n−1) + (z−1)/z + F·(z−1)/z
//
// for n replicas, z zones, and F readers: to the followers, from the producer to
// a leader that is seldom in its own zone, and from there to readers. Objects are
// reached without a charge from every zone.
func (s Scenario) crossings(k Kind) float64 {
	away := (s.Zones - 1) / s.Zones
	if k == Tide {
		return away + s.FanOut*away
	}
	read := s.FanOut * away
	if s.RackAwareReads && s.Replicas >= s.Zones {
		read = 0
	}
	return s.Replicas - 1 + away + read
}

// logs of all tide brokers cost so much a month, with the IOPS and the bytes a
// second that were measured.
func (b Book) logs(nodes int, m Measured) float64 {
	s, v := b.Scenario, b.Volumes[b.Scenario.Volume]
	perNode := s.RateMiBPerSec / 1024 / float64(nodes) // GiB a second
	one := s.WALGiB*v.GBMonth +
		max(0, m.WALIOs*perNode-v.FreeIOPS)*v.IOPSMonth +
		max(0, m.WALBytes/(1<<20)*perNode-v.FreeMiBPerSec)*v.MiBMonth
	return float64(nodes) * one
}

// volumes of Kafka for a GiB that is kept for some hours on each replica.
func (b Book) volumes(hours float64, nodes int) float64 {
	s, v := b.Scenario, b.Volumes[b.Scenario.Volume]
	kept := s.Replicas * v.GBMonth * hours / HoursPerMonth / s.DiskShare
	perHour := s.RateMiBPerSec / 1024 * 3600
	perNode := s.RateMiBPerSec * s.Replicas / float64(nodes)
	return kept + float64(nodes)*max(0, perNode-v.FreeMiBPerSec)*v.MiBMonth/HoursPerMonth/perHour
}

// String is the scenario in one line, without which no number of it means a thing.
func (s Scenario) String() string {
	return fmt.Sprintf("%g MiB/s written, read %g× at the tail, kept %g h; %g zones; Kafka RF %g, volumes %.0f %% full, %g h of them hot with tiers; brokers on %s, %.0f %% CPU",
		s.RateMiBPerSec, s.FanOut, s.RetentionHours, s.Zones, s.Replicas, 100*s.DiskShare, s.HotHours, s.Instance, 100*s.CPUShare)
}
