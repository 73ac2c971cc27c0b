// Package omb writes a trial as OpenMessaging Benchmark writes its results, so
// that its chart script and what people have built on it read them unchanged:
//
//	workload, driver, messageSize, topics, partitions, producersPerTopic, consumersPerTopic
//	publishRate[] … backlog[]                records a second; records
//	publishLatency{Avg … Max}[]              ms  one item per 10 s
//	publishDelayLatency{Avg … Max}[]         µs
//	aggregatedPublishLatency{Avg … Max}      ms  over all of it
//	aggregatedPublishDelayLatency{Avg … Max} µs
//	aggregated…Quantiles{}                   percentile → value, 100 ticks per half distance
//	endToEndLatency… as those of publishing  ms
//
// The keys, their order and their units are those of OMB's TestResult; nothing
// else is in the file. It is made of the trial's own files and never during a
// run. What OMB calls publish latency is our service time (acknowledged −
// sent), and its publish delay our delay (sent − intended): it has no response
// time, which is what we quote.
//
// Warm-up is left out, as there. Several measured phases follow one another as
// one run; a window never reaches from one into the next.
package omb
