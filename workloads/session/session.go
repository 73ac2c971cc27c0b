// Package session is what every measured run shares, whatever its phases: it
// takes the histograms once a second and writes them to the trial's directory,
// samples the target's counters, keeps account of phases, and closes the trial
// with its verdict.
//
//	Open ── Begin("tail") ── Begin("catch-up") ── … ── End ── Close
//	            │ once a second: hlog lines, tagged with the phase, and a row
//	            ▼ of timeline.csv; a phase's end cuts an interval short
//
// Counters of a target that is killed start again at zero; the session adds
// the lives up, and loses at most what was counted since the last sample.
package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

// Config of a session.
type Config struct {
	Dir    string      // of the trial; made here
	Env    string      // directory of the target's data, for env.json
	Run    results.Run // what is known at the start: workload, target, seed, configuration, durability
	Clock  *load.Clock // of the load
	Rec    *load.Recorder
	Load   *load.Load
	Target target.Meter
	// NoStore: the target has none, so uploads are not missed.
	NoStore bool
}

// Session is one trial while it runs.
type Session struct {
	cfg   Config
	run   results.Run
	out   *results.Writer
	env   results.Env
	ticks results.CPUTicks
	// ticker ends intervals; a phase's start resets it, so that seconds count
	// from there and a phase does not end in a sliver of one.
	ticker *time.Ticker
	start  int64 // ns of the Clock

	producers *load.Producers // nil until Producing

	mu      sync.Mutex
	phase   string   // guarded by mu: "" between phases
	opened  snapshot // guarded by mu: at the phase's start
	kind    Kind     // guarded by mu: of the phase
	splits  *splits  // guarded by mu: of the phase; nil when its records are not split
	windows *splits  // guarded by mu: of all windows together
	rest    *rest    // guarded by mu: of the phase; nil when nobody watches it
	// response times of producing by phase, guarded by mu
	response map[string]*hdrhistogram.Histogram
	last     snapshot      // guarded by mu: at the last interval's end
	memory   memory        // guarded by mu
	own      own           // guarded by mu: since the phase's start
	lives    lives         // guarded by mu
	errs     []error       // guarded by mu: of writing files
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed by the ticker's end
}

// snapshot is every counter at one moment.
type snapshot struct {
	at              int64 // ns of the Clock
	scheduled       int64
	acked, ackedB   int64
	failed          int64
	consumed, consB int64
	caught, caughtB int64
	target          map[string]float64 // summed over lives
	usage           target.Usage
	ownCPU          time.Duration // of the generator
	ownRSS          int64         // likewise, bytes
}

// Open makes the directory and starts the clock of the trial.
func Open(cfg Config) (*Session, error) {
	s := &Session{cfg: cfg, run: cfg.Run, start: cfg.Clock.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	s.run.Started = time.Unix(0, s.start)
	s.run.Faults, s.run.Warnings = []results.Finding{}, []results.Finding{}
	s.run.Counters = map[string]int64{}
	s.run.Figures = map[string]results.Figure{}
	var err error
	if s.out, err = results.Create(cfg.Dir, s.run.Started, columnNames()); err != nil {
		return nil, err
	}
	s.env, s.ticks = results.ReadEnv(cfg.Env), results.ReadCPUTicks()
	s.ticker = time.NewTicker(time.Second)
	s.lives.init()
	s.windows = newSplits(s.start)
	s.response = map[string]*hdrhistogram.Histogram{}
	s.last, s.own = s.snapshot(context.Background()), newOwn()
	go s.tick()
	return s, nil
}

// Producing tells of the producers, whose schedule the phases are judged by.
func (s *Session) Producing(p *load.Producers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.producers = p
}

// tick ends an interval every second until Close.
func (s *Session) tick() {
	defer close(s.stopped)
	defer s.ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.ticker.C:
			s.mu.Lock()
			s.interval()
			s.mu.Unlock()
		}
	}
}

func (s *Session) seconds(at int64) float64 { return float64(at-s.start) / float64(time.Second) }

// delta of a counter of the target since an earlier snapshot.
func (b snapshot) delta(a snapshot, key string) int64 { return int64(b.target[key] - a.target[key]) }

// grown are the target's counters that are larger than in an earlier snapshot.
func (b snapshot) grown(a snapshot) map[string]int64 {
	out := map[string]int64{}
	for k := range b.target {
		if n := b.delta(a, k); n > 0 && isCounter(k) && strings.HasPrefix(k, "tide_") {
			out[k] = n
		}
	}
	return out
}

// interval writes what was recorded since the last one. Called with mu held.
func (s *Session) interval() {
	now := s.snapshot(context.Background())
	taken := s.cfg.Rec.Take()
	if taken.Late = s.cfg.Load.Stalls.Take(); taken.Late != nil {
		s.own.errors.Merge(taken.Late)
	}
	from, to := time.Unix(0, s.last.at), time.Unix(0, now.at)
	if now.at > s.last.at {
		s.errs = append(s.errs,
			s.out.Interval(from, to, s.phase, taken.Hist),
			s.out.Row(results.Row{T: s.seconds(now.at), Phase: s.phase, Values: columnValues(s.last, now, taken)}))
	}
	s.keepResponse(taken.Hist[results.ProduceResponse])
	s.splitInterval(now.at, taken)
	s.run.Clock.Negative += taken.Negative
	s.run.Clock.OverHour += taken.Over
	s.memory.add(now)
	s.last = now
}

// snapshot reads every counter. Called with mu held (or before it matters).
func (s *Session) snapshot(ctx context.Context) snapshot {
	// A dead target answers nothing; the interval must not wait for it long.
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	if m, err := s.cfg.Target.Metrics(ctx); err == nil {
		s.lives.add(m)
	}
	c := &s.cfg.Load.Counters
	out := snapshot{
		at: s.cfg.Clock.Now(), acked: c.Acked.Load(), ackedB: c.AckedB.Load(), failed: c.Failed.Load(),
		consumed: c.Consumed.Load(), consB: c.ConsumeB.Load(), caught: c.CaughtUp.Load(), caughtB: c.CaughtB.Load(),
		target: s.lives.sums(), usage: s.cfg.Target.Usage(), ownCPU: load.OwnCPU(), ownRSS: load.OwnRSS(),
	}
	if s.producers != nil {
		out.scheduled = max(0, s.producers.ScheduledBefore(out.at))
	}
	return out
}

// Sample reads the target's counters now, summed over its lives. It cuts no
// interval.
func (s *Session) Sample(ctx context.Context) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot(ctx).target
}

// Fault makes the trial INVALID.
func (s *Session) Fault(what, hint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.Faults = append(s.run.Faults, results.Finding{What: what, Hint: hint})
}

// Warn travels with the numbers.
func (s *Session) Warn(what, hint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.Warnings = append(s.run.Warnings, results.Finding{What: what, Hint: hint})
}

// Figure keeps a single number worth quoting.
func (s *Session) Figure(name string, value float64, unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figure(name, value, unit)
}

func (s *Session) figure(name string, value float64, unit string) {
	s.run.Figures[name] = results.Figure{Value: value, Unit: unit}
}

// Verified keeps the outcome of reading everything back.
func (s *Session) Verified(v results.Verification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.Verification = v
}

// Phases that have ended, so far.
func (s *Session) Phases() []results.Phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]results.Phase(nil), s.run.Phases...)
}

// AddFile puts a further file into the trial's directory.
func (s *Session) AddFile(name string, content []byte) error { return s.out.AddFile(name, content) }

// Abandon ends a trial that failed; its directory has no run.json.
func (s *Session) Abandon() error {
	s.halt()
	return s.out.Abandon()
}

func (s *Session) halt() {
	close(s.stop)
	<-s.stopped
}

// Close ends the trial, judges it and writes its files. The target must still
// answer, so that its last counters are read.
func (s *Session) Close() error {
	s.halt()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPhase()
	s.run.SecondsRun = s.seconds(s.last.at)
	s.run.Clock.DriftNs = int64(s.cfg.Clock.Drift())
	s.env.Steal = results.ReadCPUTicks().StealPercent(s.ticks)
	s.totals()
	s.memoryFigures()
	s.ownFigures()
	s.warnings()
	return errors.Join(append(s.errs, s.out.Finish(&s.run, &s.env))...)
}
