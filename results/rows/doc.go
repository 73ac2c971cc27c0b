// Package rows makes a flat table of directories of results: what is exported,
// compared and summed up is made of it.
//
//	DIR is  a trial              run.json     one row a phase
//	        a matrix             matrix.json  one row a line of trials.jsonl
//	        a directory of them  …/run.json, …/matrix.json
//
//	row = who (trial, cell, repeat, workload, target, phase, verdict)
//	    + settings + values + figures + counters + environment + warnings
//
// A name of a value ends in its unit. Percentiles are in µs, as a float with
// all digits that the ns of the hlog have: 1234 ns is 1.234.
//
// What is broken is a row too, with the verdict [Broken] and the reason as its
// warning: a folder that was left out must not be forgotten on the way. Trials
// are read one after the other, and only their rows are kept.
package rows
