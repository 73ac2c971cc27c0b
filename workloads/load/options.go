package load

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// clientOptions are those of every client.
func (c Config) clientOptions(id string) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("tide-load-" + id),
		// A restarted broker is to be found again at once, so that the outage
		// that is measured is the broker's and not the client's back-off.
		kgo.RetryBackoffFn(backoff),
		kgo.DisableClientMetrics(),
	}, c.Common...)
}

func (c Config) producerOptions(id string) []kgo.Opt {
	acks := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}
	if c.Acks == "1" {
		acks = []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}
	}
	if c.OneInFlight {
		acks = append(acks, oneInFlight())
	}
	opts := append(c.clientOptions(id), acks...)
	opts = append(opts,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(c.Linger),
		kgo.ProducerBatchMaxBytes(int32(c.BatchBytes)),
		kgo.ProducerBatchCompression(codecs[c.Codec]),
		kgo.MaxBufferedBytes(c.InFlight),
		kgo.MaxBufferedRecords(c.InFlight/HeaderSize+1), // the bytes are the bound
		kgo.ProduceRequestTimeout(10*time.Second),
	)
	return append(opts, c.Producing...)
}

// oneInFlight is an idempotent client's way to one request at a time: franz-go
// has no setting, but takes a broker that knows no later Produce than this to
// be of a time in which only one was allowed. Its batches are those of today,
// but for zstd, which came later.
func oneInFlight() kgo.Opt {
	const produceKey, lastOfOne = 0, 3
	v := kversion.Stable()
	v.SetMaxKeyVersion(produceKey, lastOfOne)
	return kgo.MaxVersions(v)
}

// Bounds of what the answers to consuming clients may hold, bytes.
const (
	maxFetch  = 16 << 20 // of one client
	minFetch  = 1 << 20
	allFetch  = 1 << 30 // of all of them together, where there are not too many
	partFetch = 1 << 20
)

// readerOptions of one of so many readers; without a group the partitions are
// still to be named.
func (c Config) readerOptions(id, group string, of int) []kgo.Opt {
	opts := append(c.clientOptions(id),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(int32(max(minFetch, min(maxFetch, allFetch/max(1, of))))),
		kgo.FetchMaxPartitionBytes(partFetch),
		kgo.FetchMinBytes(1),
		kgo.MaxConcurrentFetches(1), // bounds what a client holds
	)
	opts = append(opts, c.Consuming...)
	if group != "" {
		opts = append(append(opts, kgo.ConsumerGroup(group)), c.Grouped...)
	}
	return opts
}

// validateOptions asks franz-go what it says of them all, before anything is
// started.
func (c Config) validateOptions(f *faults) {
	if err := kgo.ValidateOpts(c.producerOptions("check")...); err != nil {
		f.want(false, "producing clients: %w", err)
	}
	group := c.Group
	if group == "" && len(c.Grouped) > 0 {
		group = "check"
	}
	opts := c.readerOptions("check", group, 1)
	if group != "" {
		opts = append(opts, kgo.ConsumeTopics("check"))
	}
	if err := kgo.ValidateOpts(opts...); err != nil {
		f.want(false, "consuming clients: %w", err)
	}
}
