// Package replay reads a log back in a process of its own, at the lowest
// priority. A consumer that catches up stands for another machine; in the
// process of the load it would take the generator's processor and its garbage
// collector's time, and the latency that the generator measures would be its
// own.
//
//	bench ── Spec, one JSON object ──▶ stdin   tide replay   (nice 19)
//	      ◀── {"records","bytes"} every 100 ms, in the end {…,"done":{…}} ── stdout
//
// It ends when all is read, or with SIGTERM, or when its stdin is closed. It
// checks CRC, order and sequence of every record by itself; what is missing in
// between is held against the ledger of the producers by who started it.
package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tidelog/tide/workloads/load"
)

// Spec is one reading of the log from offset 0.
type Spec struct {
	// Load is that of the producers; nothing is sent.
	Load load.Config `json:"load"`
	// Driver file that is put over it, as it was read; empty: none.
	Driver []byte `json:"driver,omitempty"`
	// Consumers share the partitions; in a Group, if one is named.
	Consumers int    `json:"consumers"`
	Group     string `json:"group,omitempty"`
	// Ends by partition, up to which it is read.
	Ends []int64 `json:"ends"`
	// BytesPerSecond of values, all consumers together; 0: as fast as it goes.
	BytesPerSecond float64 `json:"bytes_per_second,omitempty"`
}

func (s Spec) marshal() ([]byte, error) {
	s.Load = s.Load.ForReaders()
	out, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return append(out, '\n'), nil
}

// Outcome is what came of it.
type Outcome struct {
	load.Reading
	Through bool   `json:"through"`         // everything below the ends was read
	Error   string `json:"error,omitempty"` // that no retry mends
	// CPU is the time of processors that the process took. Stop fills it in.
	CPU time.Duration `json:"-"`
}

// Rate in MiB/s from the first record to the last; 0 when there was no time
// between them.
func (o Outcome) Rate() float64 {
	if o.Took() <= 0 {
		return 0
	}
	return float64(o.Seen.Bytes) / (1 << 20) / o.Took().Seconds()
}

// Took is the time from the first record to the last; 0 when there were none.
func (o Outcome) Took() time.Duration { return time.Duration(o.Last - o.First) }

// Quote it under the name of a phase.
func (o Outcome) Quote(phase string, to interface {
	Figure(name string, value float64, unit string)
},
) {
	to.Figure(phase+" read", float64(o.Seen.Bytes)/(1<<20), "MiB")
	to.Figure(phase+" consumers' CPU", o.CPU.Seconds(), "s, of the process that reads")
	if o.Rate() > 0 {
		to.Figure(phase+" rate", o.Rate(), "MiB/s from the first record to the last")
		to.Figure(phase+" time", o.Took().Round(time.Millisecond).Seconds(), "s from the first record to the last")
	}
}

// Setting is how run.json says that a reading was a process of its own.
var Setting = fmt.Sprintf("own, nice %d", Nice)

// line of stdout.
type line struct {
	Records int64    `json:"records"` // so far
	Bytes   int64    `json:"bytes"`   // of their values
	Done    *Outcome `json:"done,omitempty"`
}

// Nice is the priority of the process: others run first.
const Nice = 19

// progressEvery is the time between lines.
const progressEvery = 100 * time.Millisecond

// Apply puts a driver file over a load.
type Apply func(driver []byte, to load.Config) (load.Config, error)

// Run is the process: it reads a Spec from in and prints to out. An error means
// that nothing was read.
func Run(ctx context.Context, in io.Reader, out io.Writer, apply Apply) error {
	var spec Spec
	err := json.NewDecoder(in).Decode(&spec)
	if err == nil && len(spec.Driver) > 0 {
		spec.Load, err = apply(spec.Driver, spec.Load)
	}
	if err != nil {
		return fmt.Errorf("replay: what to read: %w", err)
	}
	l, err := load.New(spec.Load, load.NewClock(), load.NewRecorder())
	if err != nil {
		return err
	}
	readers, err := l.StartReplay(spec.Consumers, spec.Group)
	if err != nil {
		return err
	}
	defer readers.Stop()
	readers.Pace(spec.BytesPerSecond)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // who started it holds the other end
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	read := make(chan error, 1)
	go func() { read <- readers.Await(ctx, spec.Ends) }()
	return report(ctx, readers, read, json.NewEncoder(out))
}

// report prints lines until it is over.
func report(ctx context.Context, readers *load.Readers, read <-chan error, out *json.Encoder) error {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-read:
			readers.Stop()
			o := &Outcome{Reading: readers.Reading(), Through: err == nil}
			if err != nil && ctx.Err() == nil {
				o.Error = err.Error()
			}
			records, bytes, _ := readers.Progress()
			return out.Encode(line{Records: records, Bytes: bytes, Done: o})
		case <-tick.C:
			records, bytes, _ := readers.Progress()
			if err := out.Encode(line{Records: records, Bytes: bytes}); err != nil {
				return err // nobody reads it
			}
		}
	}
}
