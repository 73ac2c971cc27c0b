package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/figures"
)

// priceMetric is what a GiB that was written costs, $, of each trial that measured
// enough to say so.
const priceMetric = "usd_per_gib"

// priced is the run with prices on its trials, and what they were made by; "" where
// none has one. The run that was given stays as it is.
func priced(run *results.MatrixRun, book *cost.Book) (*results.MatrixRun, string) {
	if book == nil {
		b := cost.Default()
		book = &b
	}
	out, any := *run, false
	out.Trials = slices.Clone(run.Trials)
	for i, t := range out.Trials {
		rows, ok := figures.Price(t, *book)
		if _, has := t.Result[priceMetric]; has || !ok {
			continue
		}
		any = true
		out.Trials[i].Result = maps.Clone(t.Result)
		out.Trials[i].Result[priceMetric] = rows.Sum()
	}
	if !any {
		return &out, ""
	}
	return &out, fmt.Sprintf("%s: compute, storage, S3 requests and cross-AZ of a cluster with %v; by %s (%s)",
		priceMetric, book.Scenario, book.Source, book.Date)
}
