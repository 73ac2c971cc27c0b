package results

import "time"

// SchemaVersion of run.json. Load refuses others.
const SchemaVersion = 1

// Run is run.json.
type Run struct {
	Schema     int               `json:"schema"`
	ID         string            `json:"id"`       // name of the directory
	Workload   string            `json:"workload"` // built-in name, or that of the file
	Target     string            `json:"target"`   // as given, such as tide?wal=uring:
	Started    time.Time         `json:"started"`
	SecondsRun float64           `json:"seconds_run"` // from the first send to the last outcome
	Seed       uint64            `json:"seed"`
	Quick      bool              `json:"quick"`             // shortened: not quotable
	Command    string            `json:"command,omitempty"` // that makes the trial again, for a shell
	Build      BuildInfo         `json:"build"`
	Durability Durability        `json:"durability"`
	Simulated  []string          `json:"simulated"` // models in place of real parts; empty: none
	Config     map[string]string `json:"config"`    // every setting of load and target, resolved

	WarmUp       *WarmUp           `json:"warm_up,omitempty"` // of a load at a rate
	Phases       []Phase           `json:"phases"`
	Counters     map[string]int64  `json:"counters"` // of the whole trial, by name
	Figures      map[string]Figure `json:"figures"`  // single numbers worth quoting
	Verification Verification      `json:"verification"`
	Search       *Search           `json:"search,omitempty"` // when this trial is the best of several
	Clock        ClockCheck        `json:"clock"`

	Faults   []Finding `json:"faults"`   // found by the workload itself, beside the rules of Judge
	Warnings []Finding `json:"warnings"` // travel with the numbers
	Verdict  Verdict   `json:"verdict"`
}

// Figure is one number with its unit.
type Figure struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Durability says what an acknowledgement has survived. It stands on every row
// and figure.
type Durability struct {
	Acks     string `json:"acks"`     // as the producer asked
	Flush    string `json:"flush"`    // how a write reaches the device, such as dsync
	Replicas int    `json:"replicas"` // copies before the acknowledgement
	PowerCut string `json:"power_cut"`
}

// Phase is a part of a trial and its counts.
type Phase struct {
	Name  string  `json:"name"`
	Start float64 `json:"start_s"` // since the start of the trial
	End   float64 `json:"end_s"`

	Closed      bool  `json:"closed"`       // no schedule
	RateChecked bool  `json:"rate_checked"` // fewer than 99 % acknowledged within it is INVALID
	Window      bool  `json:"window"`       // meant to be quoted: long enough to hold several uploads
	Scheduled   int64 `json:"scheduled"`    // sends that were due within it
	Acked       int64 `json:"acked"`        // records acknowledged within it
	AckedBytes  int64 `json:"acked_bytes"`
	Failed      int64 `json:"failed"`
	Consumed    int64 `json:"consumed"` // by tailing consumers
	ConsumedB   int64 `json:"consumed_bytes"`
	CaughtUp    int64 `json:"caught_up"` // by catch-up consumers
	CaughtUpB   int64 `json:"caught_up_bytes"`

	// Of the target, when it says so.
	Puts     int64 `json:"puts"`
	Gets     int64 `json:"gets"`
	PutBytes int64 `json:"put_bytes"`
	GetBytes int64 `json:"get_bytes"`
	// Counters of the target that grew within the phase, by how much.
	Counters map[string]int64 `json:"counters,omitempty"`
	// Splits of the response time by what the target did meanwhile, when it says so.
	Splits []Split `json:"splits,omitempty"`
	// CPU seconds of the target; 0 when its process is not ours.
	CPU float64 `json:"target_cpu_s"`
	// Generator is the load's own part.
	Generator Generator `json:"generator"`
}

// Seconds is the length of the phase.
func (p Phase) Seconds() float64 { return p.End - p.Start }

// PerSecond is a count of the phase as a rate; 0 for an empty phase.
func (p Phase) PerSecond(n int64) float64 {
	if p.Seconds() <= 0 {
		return 0
	}
	return float64(n) / p.Seconds()
}

// MiBPerSecond is a count of bytes as a rate.
func (p Phase) MiBPerSecond(bytes int64) float64 { return p.PerSecond(bytes) / (1 << 20) }

// ClockCheck is what is known of the clock behind end-to-end times.
type ClockCheck struct {
	Negative int64 `json:"negative"` // times below zero; kept as zero in the histograms
	OverHour int64 `json:"over_hour"`
	DriftNs  int64 `json:"drift_ns"` // wall clock against monotonic clock over the trial
}

// Verification is the outcome of reading the log and comparing it with what
// was acknowledged.
type Verification struct {
	Done        bool     `json:"done"`        // false: the workload did not ask for it, or never got there
	Records     int64    `json:"records"`     // distinct offsets that were read
	Bytes       int64    `json:"bytes"`       // of their values
	Expected    int64    `json:"expected"`    // acknowledged records
	Unknown     int64    `json:"unknown"`     // sent, never acknowledged: there at most once
	Lost        int64    `json:"lost"`        // acknowledged, not there
	Duplicates  int64    `json:"duplicates"`  // there at more than one offset
	Reordered   int64    `json:"reordered"`   // behind a later one of the same producer
	Corrupt     int64    `json:"corrupt"`     // CRC does not match
	Foreign     int64    `json:"foreign"`     // not written by this load, or in the wrong partition
	Redelivered int64    `json:"redelivered"` // the same offset again, to a group: no fault
	Overflow    bool     `json:"overflow"`    // too many gaps or failures to keep account of
	Samples     []string `json:"samples,omitempty"`
}

// OK says whether every acknowledged record is there once, in order, intact.
func (v Verification) OK() bool {
	return v.Lost+v.Duplicates+v.Reordered+v.Corrupt+v.Foreign == 0 && !v.Overflow
}

// Plus adds another reading of the same load: of another subscription.
func (v Verification) Plus(o Verification) Verification {
	v.Done, v.Overflow = v.Done && o.Done, v.Overflow || o.Overflow
	v.Records, v.Bytes, v.Expected, v.Unknown = v.Records+o.Records, v.Bytes+o.Bytes, v.Expected+o.Expected, v.Unknown+o.Unknown
	v.Lost, v.Duplicates, v.Reordered = v.Lost+o.Lost, v.Duplicates+o.Duplicates, v.Reordered+o.Reordered
	v.Corrupt, v.Foreign, v.Redelivered = v.Corrupt+o.Corrupt, v.Foreign+o.Foreign, v.Redelivered+o.Redelivered
	v.Samples = append(v.Samples, o.Samples...)
	return v
}
