// Package compare sets two sides of results against each other:
//
//	A, B: a trial, a directory of trials, or a matrix
//	  └─ groups: repeats of one configuration, or cells of a matrix by their ID
//	       └─ pairs: the same group on both sides
//	            └─ metrics by phase: A, B, B ÷ A, interval, p, smallest detectable
//
// What cannot be compared is refused rather than shown with a footnote: sides
// from different machines or builds, unless that is what is asked for; then
// every difference stays in the output. An INVALID trial is never averaged, a
// QUICK one makes the whole comparison one that must not be quoted, and what is
// left out is named.
//
// A group on one side belongs to the one of the same workload, target and
// settings on the other; else to the only one of its workload that is left
// there, since comparing two targets or two settings is what this is for.
package compare
