package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// client is a real client of the harness.
func (h *harness) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(h.addr),
		kgo.AllowAutoTopicCreation(),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// A real client of several ages creates a topic, produces with idempotence and
// reads all of it back.
func TestClientsOfManyAges(t *testing.T) {
	for name, versions := range map[string]*kversion.Versions{
		"newest": kversion.Stable(),
		"2.1":    kversion.V2_1_0(),
		"2.7":    kversion.V2_7_0(),
		"3.5":    kversion.V3_5_0(),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, nil)
			h.broker.set(func() { h.broker.address = h.addr })
			producer := h.client(t, kgo.MaxVersions(versions), kgo.DefaultProduceTopic("events"))
			var records []*kgo.Record
			for i := range 200 {
				records = append(records, &kgo.Record{Key: fmt.Append(nil, i), Value: bytes.Repeat([]byte{byte(i)}, i)})
			}
			require.NoError(t, producer.ProduceSync(t.Context(), records...).FirstErr())
			consumer := h.client(t, kgo.MaxVersions(versions), kgo.ConsumeTopics("events"))
			for got := 0; got < len(records); {
				fetches := consumer.PollFetches(t.Context())
				require.NoError(t, fetches.Err0())
				fetches.EachRecord(func(r *kgo.Record) {
					require.EqualValues(t, got, r.Offset)
					require.Equal(t, records[got].Value, r.Value)
					got++
				})
			}
			require.EqualValues(t, 1, h.srv.Stats().Sessions, "the consumer's")
			require.Empty(t, h.log.all())
		})
	}
}
