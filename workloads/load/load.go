package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Counters of a load, all of them rising. Safe to read at any time.
type Counters struct {
	Sent     atomic.Int64 // records handed to a client
	Acked    atomic.Int64 // records acknowledged
	Failed   atomic.Int64 // records of unknown outcome
	AckedB   atomic.Int64 // bytes of values acknowledged
	Consumed atomic.Int64 // records read by the tailing consumers
	ConsumeB atomic.Int64 // bytes of their values
	CaughtUp atomic.Int64 // records read by catch-up consumers
	CaughtB  atomic.Int64 // bytes of their values
	Fetched  atomic.Int64 // single records fetched by their offset
	FetchBad atomic.Int64 // of such fetches, those that did not bring the record
}

// Load is the clients of one trial. Its methods that talk to brokers survive a
// broker that dies and comes back: clients retry until their context ends.
type Load struct {
	cfg    Config
	clock  *Clock
	rec    *Recorder
	ledger *Ledger

	Counters Counters
}

// New checks the configuration. It connects to nothing.
func New(cfg Config, clock *Clock, rec *Recorder) (*Load, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &Load{cfg: cfg, clock: clock, rec: rec, ledger: NewLedger(cfg.Producers, cfg.cells())}, nil
}

// Config is the configuration with its defaults.
func (l *Load) Config() Config { return l.cfg }

// topics lists the names, in the order of their partitions' numbers.
func (l *Load) topics() []string {
	names := make([]string, l.cfg.Topics)
	for i := range names {
		names[i] = l.cfg.topicName(i)
	}
	return names
}

// clientOptions are those of every client.
func (l *Load) clientOptions(id string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(l.cfg.Brokers...),
		kgo.ClientID("tide-load-" + id),
		// A restarted broker is to be found again at once, so that the outage
		// that is measured is the broker's and not the client's back-off.
		kgo.RetryBackoffFn(backoff),
		kgo.DisableClientMetrics(),
	}
}

// CreateTopics makes them with one replica and waits until every partition has
// a leader. A topic that exists is an error: its records are not this load's.
func (l *Load) CreateTopics(ctx context.Context) error {
	cl, err := kgo.NewClient(l.clientOptions("admin")...)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	res, err := adm.CreateTopics(ctx, int32(l.cfg.Partitions), 1, nil, l.topics()...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range res.Sorted() {
		if t.Err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topic, t.Err)
		}
	}
	return l.awaitLeaders(ctx, adm)
}

func (l *Load) awaitLeaders(ctx context.Context, adm *kadm.Client) error {
	for {
		_, err := l.ends(ctx, adm)
		if err == nil || !errors.Is(err, errNoLeader) {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("waiting for leaders: %w", err)
		}
	}
}

// errNoLeader marks answers that a later try may not give.
var errNoLeader = errors.New("partition without a leader")

// Ends asks for the end offset of every partition, by its number over all
// topics.
func (l *Load) Ends(ctx context.Context) ([]int64, error) {
	cl, err := kgo.NewClient(l.clientOptions("admin")...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return l.ends(ctx, kadm.NewClient(cl))
}

func (l *Load) ends(ctx context.Context, adm *kadm.Client) ([]int64, error) {
	listed, err := adm.ListEndOffsets(ctx, l.topics()...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	ends := make([]int64, 0, l.cfg.cells())
	for _, topic := range l.topics() {
		for p := range l.cfg.Partitions {
			o, ok := listed.Lookup(topic, int32(p))
			if !ok || kerr.IsRetriable(o.Err) {
				return nil, fmt.Errorf("%s/%d: %w", topic, p, errNoLeader)
			}
			if o.Err != nil {
				return nil, fmt.Errorf("end offset of %s/%d: %w", topic, p, o.Err)
			}
			ends = append(ends, o.Offset)
		}
	}
	return ends, nil
}
