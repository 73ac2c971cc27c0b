// Package results is the record of one trial: what ran, where, how fast, and
// whether the numbers may be quoted. It writes and reads one directory:
//
//	<trial-id>/
//	  run.json        configuration with defaults, seed, version, counters, verdict
//	  env.json        kernel, CPU, memory, disk, module versions
//	  workload.yaml   the workload as it was read (bench only)
//	  produce.response.hlog  HdrHistogram log 1.3, nanoseconds, one interval a
//	  …                      second, tagged with the phase
//	  timeline.csv    one line a second: rates, counters, process figures
//	  figures/        SVG and PNG        ⎫ made from the files above,
//	  omb.json        as OMB writes it   ⎬ never during the run
//	  report.html     one offline page   ⎭
//
// results/figures, omb and report make the last three from a loaded Trial.
// The package knows nothing of the broker, so that it can record any target.
package results
