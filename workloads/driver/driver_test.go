package driver

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/workloads/load"
)

// base is a load without a driver.
func base() load.Config {
	return load.Config{Brokers: []string{"x:1"}, Topic: "t", Rate: 100, ValueSize: 1024, Linger: 3 * time.Millisecond}
}

// TestDriver is transcripts: a driver file in; out comes what the load makes of
// it, what has no effect, and what is unmapped.
func TestDriver(t *testing.T) {
	datadriven.RunTest(t, "testdata/driver", func(_ *testing.T, d *datadriven.TestData) string {
		parsed, err := Parse([]byte(d.Input))
		if err != nil {
			return err.Error() + "\n"
		}
		var b strings.Builder
		with := parsed.Apply(base())
		fmt.Fprintf(&b, "acks=%s linger=%v batch=%d sticky=%d codec=%s group=%s replicas=%d\n",
			with.Acks, with.Linger, with.BatchBytes, with.Sticky, with.Codec, with.Group, with.Replicas)
		fmt.Fprintf(&b, "options: %d common, %d producing, %d consuming, %d of groups\n",
			len(with.Common), len(with.Producing), len(with.Consuming), len(with.Grouped))
		described := parsed.Describe()
		for _, k := range slices.Sorted(maps.Keys(described)) {
			fmt.Fprintf(&b, "%s = %s\n", k, described[k])
		}
		if err := with.Check(); err != nil {
			fmt.Fprintf(&b, "check: %v\n", err)
		}
		if err := parsed.Check(false); err != nil {
			fmt.Fprintf(&b, "%v\n", err)
		}
		return b.String()
	})
}

func TestIgnoreUnmapped(t *testing.T) {
	d, err := Parse([]byte("producerConfig: |\n  acks=0\n  linger.ms=soon\n  batch.size=1000\n"))
	require.NoError(t, err)
	require.ErrorContains(t, d.Check(false), "acks=0")
	require.ErrorContains(t, d.Check(false), "linger.ms=soon", "all at once")
	require.NoError(t, d.Check(true))
	with := d.Apply(base())
	require.Equal(t, 3*time.Millisecond, with.Linger, "a value that is ignored changes nothing")
	require.Empty(t, with.Acks)
	require.Equal(t, 1024+recordRoom, with.BatchBytes, "a record fits into a batch")
	require.Equal(t, 1000, with.Sticky)
	require.NoError(t, with.Check())
}

// TestOneInFlight: the producers of such a file never have a second request on
// its way, and send batches all the same.
func TestOneInFlight(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer cluster.Close()
	versions := map[int16]bool{}
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		versions[r.GetVersion()] = true // kfake asks from one goroutine
		return nil, nil, false
	})
	d, err := Parse([]byte("producerConfig: |\n  enable.idempotence=true\n  max.in.flight.requests.per.connection=1\n  linger.ms=1\n"))
	require.NoError(t, err)
	require.NoError(t, d.Check(false))
	c := d.Apply(base())
	c.Brokers, c.Rate, c.Consumers = cluster.ListenAddrs(), 2000, -1
	l, err := load.New(c, load.NewClock(), load.NewRecorder())
	require.NoError(t, err)
	require.NoError(t, l.CreateTopics(t.Context()))
	p, err := l.StartProducers(t.Context(), 100*time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, p.Wait(t.Context()))
	require.EqualValues(t, 200, l.Counters.Acked.Load())
	cluster.Close()
	require.Equal(t, map[int16]bool{3: true}, versions, "version 3 is what franz-go sends one at a time")
}

// TestSecretsStayOut of messages and of results.
func TestSecretsStayOut(t *testing.T) {
	d, err := Parse([]byte(`
commonConfig: |
  security.protocol=SASL_SSL
  sasl.mechanism=OAUTHBEARER
  sasl.jaas.config=x.PlainLoginModule required username="u" password="hunter2";
  ssl.truststore.password=hunter2
`))
	require.NoError(t, err)
	require.Error(t, d.Check(false))
	require.NotContains(t, d.Check(false).Error()+fmt.Sprint(d.Describe()), "hunter2")
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kafka.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: Kafka\n"), 0o644))
	d, err := Open(path)
	require.NoError(t, err)
	require.Equal(t, "Kafka", d.Name)
	_, err = Open(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorContains(t, err, "none.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("#", maxFile+1)), 0o644))
	_, err = Open(path)
	require.ErrorContains(t, err, "at most")
}

func TestProperties(t *testing.T) {
	got, err := parseProperties("# c\n ! c\n a=1\r\nb : 2\nc 3\n\nd=\\\n  4\\\n  5\ne\\=f=g\\tx\\u00e9\nh\na=9\nback=c:\\\\\nlast=open\\")
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"a": "9", "b": "2", "c": "3", "d": "45", "e=f": "g\txé", "h": "", "back": `c:\`, "last": "open",
	}, got)
	for want, text := range map[string]string{
		"four hexadecimal": `a=\u12`, "without a key": "=5", "more than": strings.Repeat("x", 3) + manyProperties(),
	} {
		_, err := parseProperties(text)
		require.ErrorContains(t, err, want)
	}
}

func manyProperties() string {
	var b strings.Builder
	for i := range maxProperties + 1 {
		fmt.Fprintf(&b, "%d=\n", i)
	}
	return b.String()
}

// FuzzParse: whatever is read can be applied without a fault of this program.
func FuzzParse(f *testing.F) {
	f.Add([]byte("name: Kafka\nreplicationFactor: 3\nproducerConfig: |\n  acks=all\n  linger.ms=1\n  batch.size=65536\n"))
	f.Add([]byte("commonConfig: |\n  security.protocol=SASL_PLAINTEXT\n  sasl.mechanism=PLAIN\n  sasl.jaas.config=username=\"a\" password='b'\n"))
	f.Add([]byte("consumerConfig: \"a=\\\\u00\"\n"))
	f.Add([]byte("producerConfig: |\n  retry.backoff.ms=3600000\n  partitioner.class=a.\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		_ = d.Apply(base()).Check()
		_ = d.Describe()
	})
}
