package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/iopath"
)

// Comparison is what fio reaches on the same file with the same block, depth
// and durability: batched io_uring, and psync from as many threads.
type Comparison struct {
	FioIOPS         float64 `json:"fio_iops"`
	FioP50US        float64 `json:"fio_p50_us"`
	FioP99US        float64 `json:"fio_p99_us"`
	FioCPUUSPerIO   float64 `json:"fio_cpu_us_per_io"`
	FioPsyncIOPS    float64 `json:"fio_psync_iops"`
	FioPsyncP50US   float64 `json:"fio_psync_p50_us"`
	FioPsyncP99US   float64 `json:"fio_psync_p99_us"`
	FioPsyncUSPerIO float64 `json:"fio_psync_cpu_us_per_io"`
	// Ratio is our IOPS to fio's: to io_uring for uring, to psync for others.
	Ratio float64 `json:"ratio"`
}

// Fio runs fio. Exec is for tests; by default it starts the program.
type Fio struct {
	Exec func(ctx context.Context, args []string) (stdout []byte, err error)
}

// Compare runs fio twice for as long as the result took, after the path is
// closed, and adds the comparison to r. The file is the one of spec; a model or
// memory has none that fio could write to.
func (f Fio) Compare(ctx context.Context, spec iopath.Spec, capacity int64, r *Result) error {
	if spec.File == "" || r.Simulated != "" || spec.IOPS != 0 || spec.Rate != 0 {
		return errors.New("fio writes to a file or device as it is: leave model, iops and rate out, and do not use mem")
	}
	ring, err := f.run(ctx, uringJob(spec, capacity, r))
	if err != nil {
		return err
	}
	psync, err := f.run(ctx, psyncJob(spec, capacity, r))
	if err != nil {
		return err
	}
	c := &Comparison{
		FioIOPS: ring.iops, FioP50US: ring.p50, FioP99US: ring.p99, FioCPUUSPerIO: ring.cpu,
		FioPsyncIOPS: psync.iops, FioPsyncP50US: psync.p50, FioPsyncP99US: psync.p99, FioPsyncUSPerIO: psync.cpu,
	}
	c.Ratio = r.IOPS / psync.iops
	if spec.Scheme == iopath.SchemeUring {
		c.Ratio = r.IOPS / ring.iops
	}
	r.Comparison = c
	return nil
}

// job has the arguments that both kinds share. What makes a write durable is
// the same as ours: O_DSYNC for RWF_DSYNC, or fdatasync after each write.
func job(spec iopath.Spec, r *Result) []string {
	direct := "1"
	if spec.Scheme == iopath.SchemeFsync {
		direct = "0"
	}
	args := []string{
		"--name=tide", "--filename=" + strings.ReplaceAll(spec.File, ":", `\:`), "--rw=write",
		"--bs=" + strconv.FormatInt(r.Block, 10), "--direct=" + direct,
		"--time_based=1", "--runtime=" + seconds(r.Seconds), "--ramp_time=" + seconds(r.Seconds/warmUp),
		// Of whole latencies, from the submission: fio's own choice, clat, leaves
		// out what io_uring_enter takes, and we cannot.
		"--lat_percentiles=1", "--clat_percentiles=0", "--group_reporting=1", "--output-format=json", "--fallocate=none", "--overwrite=1", "--norandommap=1",
	}
	switch r.Durability {
	case iopath.Dsync:
		args = append(args, "--sync=dsync")
	case iopath.Fdatasync:
		args = append(args, "--fdatasync=1")
	}
	return args
}

// seconds is for fio, which takes whole ones, and microseconds with a unit.
func seconds(s float64) string {
	return strconv.FormatInt(max(1, int64(s*1e6)), 10) + "us"
}

// uringJob submits and reaps in batches, as we do.
func uringJob(spec iopath.Spec, capacity int64, r *Result) []string {
	depth := strconv.Itoa(r.Depth)
	return append(job(spec, r), "--ioengine=io_uring", "--iodepth="+depth, "--iodepth_batch_submit="+depth,
		"--iodepth_batch_complete_min=1", "--iodepth_batch_complete_max="+depth,
		"--offset="+strconv.Itoa(Start), "--size="+strconv.FormatInt(align.Down(capacity-Start, iopath.BlockSize), 10))
}

// psyncJob has a thread for each write in flight, in a part of the file of its
// own.
func psyncJob(spec iopath.Spec, capacity int64, r *Result) []string {
	part := strconv.FormatInt((capacity-Start)/int64(r.Depth)/r.Block*r.Block, 10)
	return append(job(spec, r), "--ioengine=psync", "--thread=1", "--numjobs="+strconv.Itoa(r.Depth),
		"--offset="+strconv.Itoa(Start), "--offset_increment="+part, "--size="+part)
}

// outcome is what is read from fio's report; times in µs.
type outcome struct{ iops, p50, p99, cpu float64 }

func (f Fio) run(ctx context.Context, args []string) (outcome, error) {
	start := f.Exec
	if start == nil {
		start = execFio
	}
	report, err := start(ctx, args)
	if err != nil {
		return outcome{}, err
	}
	return parseFio(report)
}

func execFio(ctx context.Context, args []string) ([]byte, error) {
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, "fio", args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("fio is not installed: run apt-get install fio, or leave --fio out")
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("fio: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return out, nil
}

// fioReport is the part of fio's JSON that is read.
type fioReport struct {
	Jobs []struct {
		Error int `json:"error"`
		Write struct {
			IOPS      float64 `json:"iops"`
			TotalIOs  int64   `json:"total_ios"`
			RuntimeMS float64 `json:"runtime"`
			Latency   struct {
				Percentile map[string]float64 `json:"percentile"`
			} `json:"lat_ns"`
		} `json:"write"`
		UserCPU   float64 `json:"usr_cpu"` // percent of one core
		SystemCPU float64 `json:"sys_cpu"`
		// JobRuntime is the sum over the threads, in ms, of which the
		// percentages are.
		JobRuntime float64 `json:"job_runtime"`
	} `json:"jobs"`
}

// parseFio reads the report. Older versions of fio print notes before it.
func parseFio(text []byte) (outcome, error) {
	var report fioReport
	from := max(0, strings.Index(string(text), "{"))
	if err := json.Unmarshal(text[from:], &report); err != nil {
		return outcome{}, fmt.Errorf("fio's report: %w", err)
	}
	if len(report.Jobs) != 1 || report.Jobs[0].Write.TotalIOs == 0 {
		return outcome{}, fmt.Errorf("fio's report has %d jobs, want one that wrote", len(report.Jobs))
	}
	j := report.Jobs[0]
	if j.Error != 0 {
		return outcome{}, fmt.Errorf("fio failed with error %d", j.Error)
	}
	cpu := (j.UserCPU + j.SystemCPU) / 100 * j.JobRuntime * float64(time.Millisecond/time.Microsecond)
	return outcome{
		iops: j.Write.IOPS, cpu: cpu / float64(j.Write.TotalIOs),
		p50: j.Write.Latency.Percentile["50.000000"] / 1e3, p99: j.Write.Latency.Percentile["99.000000"] / 1e3,
	}, nil
}
