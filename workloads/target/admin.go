package target

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxAnswer of the admin port, bytes: a broker with thousands of streams stays
// far below it.
const maxAnswer = 64 << 20

// Clients of the admin port. The patient one is for requests that are answered
// when the work is done.
var (
	client  = &http.Client{Timeout: 10 * time.Second}
	patient = &http.Client{}
)

// Metrics are the samples of one reading of /metrics. Keys are the name, or
// the name and its labels: tide_objstore_requests_total{op="put"}.
type Metrics map[string]float64

// Int is a sample as a count; 0 when it is not there.
func (m Metrics) Int(key string) int64 { return int64(m[key]) }

// Has says whether any sample of a metric is there.
func (m Metrics) Has(name string) bool {
	for k := range m {
		if k == name || strings.HasPrefix(k, name+"{") {
			return true
		}
	}
	return false
}

// ReadMetrics reads http://ADMIN/metrics.
func ReadMetrics(ctx context.Context, admin string) (Metrics, error) {
	body, err := request(ctx, client, http.MethodGet, admin, "/metrics")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", admin, err)
	}
	m := Metrics{}
	for name, f := range families {
		for _, s := range f.GetMetric() {
			m[name+labels(s.GetLabel())] = value(s)
		}
	}
	return m, nil
}

func labels(pairs []*dto.LabelPair) string {
	if len(pairs) == 0 {
		return ""
	}
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = fmt.Sprintf("%s=%q", p.GetName(), p.GetValue())
	}
	return "{" + strings.Join(out, ",") + "}"
}

// value of a counter, gauge or untyped sample; the sum of a histogram.
func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Histogram != nil:
		return m.Histogram.GetSampleSum()
	case m.Summary != nil:
		return m.Summary.GetSampleSum()
	}
	return m.GetUntyped().GetValue()
}

// DropLogCache frees the committed blocks of the log cache, so that reads
// below the committed end come from objects. It returns the bytes dropped.
func DropLogCache(ctx context.Context, admin string) (int64, error) {
	var answer struct {
		Dropped int64 `json:"dropped_bytes"`
	}
	err := decode(ctx, http.MethodPost, admin, "/logcache/drop", &answer)
	return answer.Dropped, err
}

// Stream is one stream as the broker reports it. Offsets are Kafka's.
type Stream struct {
	ID           int64  `json:"id"`
	Topic        string `json:"topic"`
	Partition    int32  `json:"partition"`
	Start        int64  `json:"start"`
	CommittedEnd int64  `json:"committed_end"` // below it, records are in objects
	End          int64  `json:"end"`
}

// Streams lists what the broker serves.
func Streams(ctx context.Context, admin string) ([]Stream, error) {
	var list []Stream
	err := decode(ctx, http.MethodGet, admin, "/streams", &list)
	return list, err
}

func decode(ctx context.Context, method, admin, path string, into any) error {
	return decodeWith(ctx, client, method, admin, path, into)
}

func decodeWith(ctx context.Context, c *http.Client, method, admin, path string, into any) error {
	body, err := request(ctx, c, method, admin, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("%s %s of %s: %w", method, path, admin, err)
	}
	return nil
}

func request(ctx context.Context, c *http.Client, method, admin, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+admin+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		resp.Body.Close()
		return nil, fmt.Errorf("%s %s of %s: %s: %s", method, path, admin, resp.Status, strings.TrimSpace(string(text)))
	}
	return resp.Body, nil
}
