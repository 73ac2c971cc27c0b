// Package export writes a table of results in forms that other programs read:
//
//	csv       RFC 4180, one header line            DuckDB, pandas, spreadsheets
//	parquet   the same columns, typed and optional DuckDB, pandas
//	benchfmt  Go's benchmark format                benchstat
//
// In csv and parquet each phase of each trial, and each line of a matrix, is a
// row. A column's name ends in its unit, and says where the value is from:
//
//	trial … warnings       who, and the verdict with all that travels with it
//	config_…               settings of load and target; axes of a matrix
//	acked_per_s, …_p99_us  of the phase; of a matrix what its command printed
//	figure_…               of the whole trial: the same on each of its rows
//	counter_…              of the target, grown within the phase
//	env_…                  the machine
//
// A value that does not exist is empty, or null: never zero. What could not be
// read is a row with the verdict BROKEN and the reason under warnings.
//
// benchfmt holds no INVALID or broken trial, as benchstat would average them;
// each is a comment with its reason. Machine and device are its configuration,
// for benchstat keeps results apart that differ in it; target and settings are
// in the name. The times of a closed loop are not in it, for they are no
// latencies; csv and parquet have them, beside closed_loop.
package export
