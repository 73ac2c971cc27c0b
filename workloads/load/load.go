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
	plan   *layout
	clock  *Clock
	rec    *Recorder
	ledger *Ledger

	Counters Counters
	Stalls   Stalls
}

// New checks the configuration. It connects to nothing.
func New(cfg Config, clock *Clock, rec *Recorder) (*Load, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	plan := newLayout(cfg)
	return &Load{cfg: cfg, plan: plan, clock: clock, rec: rec, ledger: newLedger(plan)}, nil
}

// Config is the configuration with its defaults.
func (l *Load) Config() Config { return l.cfg }

// Topics lists the names, in the order of their partitions' numbers.
func (l *Load) Topics() []string { return l.plan.names() }

// CreateTopics makes them and waits until every partition has a leader. A topic
// that exists is an error: its records are not this load's.
func (l *Load) CreateTopics(ctx context.Context) error {
	cl, err := kgo.NewClient(l.cfg.clientOptions("admin")...)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	settings := map[string]*string{}
	for k, v := range l.cfg.TopicConfig {
		settings[k] = &v
	}
	for partitions, names := range l.plan.bySize() {
		res, err := adm.CreateTopics(ctx, int32(partitions), int16(l.cfg.Replicas), settings, names...)
		if err != nil {
			return fmt.Errorf("create topics: %w", err)
		}
		for _, t := range res.Sorted() {
			if t.Err != nil {
				return fmt.Errorf("create topic %s: %w: %s", t.Topic, t.Err, t.ErrMessage)
			}
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
	cl, err := kgo.NewClient(l.cfg.clientOptions("admin")...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return l.ends(ctx, kadm.NewClient(cl))
}

func (l *Load) ends(ctx context.Context, adm *kadm.Client) ([]int64, error) {
	listed, err := adm.ListEndOffsets(ctx, l.Topics()...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	ends := make([]int64, 0, l.plan.cells)
	for _, topic := range l.plan.topics {
		for p := range topic.cells.size() {
			o, ok := listed.Lookup(topic.name, int32(p))
			if !ok || kerr.IsRetriable(o.Err) {
				return nil, fmt.Errorf("%s/%d: %w", topic.name, p, errNoLeader)
			}
			if o.Err != nil {
				return nil, fmt.Errorf("end offset of %s/%d: %w", topic.name, p, o.Err)
			}
			ends = append(ends, o.Offset)
		}
	}
	return ends, nil
}
