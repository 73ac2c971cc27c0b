// Package cost puts prices on what was measured. It knows nothing of trials: it
// is given counts and returns dollars, by a price book that anybody may replace.
//
//	prices-2026-11.yaml ─Default─▶ Book ┬─ Requests.USD ──▶ $ of a planned matrix
//	               FILE ─Read────▶      └─ Measured.PerGiB ▶ compute │ storage │ S3 requests │ cross-AZ
//
// GiB are 2³⁰ bytes, as everywhere here; AWS's GB of storage and of transfer
// are taken as GiB too, which is how it bills them.
package cost

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/internal/bounded"
)

//go:embed prices-2026-11.yaml
var defaultBook []byte

// maxBook is the largest file, bytes.
const maxBook = 1 << 20

// Book is a price book, in its currency.
type Book struct {
	Name     string `yaml:"name"`
	Date     string `yaml:"date"`   // when the prices were written down
	Source   string `yaml:"source"` // whose they are
	Currency string `yaml:"currency"`

	S3        map[string]Store    `yaml:"s3"`      // by storage class
	Volumes   map[string]Volume   `yaml:"volumes"` // by type
	CrossAZGB float64             `yaml:"cross_az_gb"`
	Instances map[string]Instance `yaml:"instances"` // by type
	Scenario  Scenario            `yaml:"scenario"`
}

// Store is the price of a class of objects.
type Store struct {
	GBMonth    float64 `yaml:"gb_month"`
	PutMillion float64 `yaml:"put_million"` // PUT, POST, COPY and LIST
	GetMillion float64 `yaml:"get_million"` // GET and HEAD; DELETE costs nothing
	UpGB       float64 `yaml:"up_gb"`
	DownGB     float64 `yaml:"down_gb"`
}

// Volume is the price of a block device.
type Volume struct {
	GBMonth       float64 `yaml:"gb_month"`
	IOPSMonth     float64 `yaml:"iops_month"` // of each beyond those that are free
	FreeIOPS      float64 `yaml:"free_iops"`
	MiBMonth      float64 `yaml:"mib_per_s_month"` // of each MiB/s beyond those that are free
	FreeMiBPerSec float64 `yaml:"free_mib_per_s"`
}

// Instance is the price of a machine.
type Instance struct {
	Hour      float64 `yaml:"hour"`
	VCPU      float64 `yaml:"vcpu"`
	MemoryGiB float64 `yaml:"memory_gib"`
}

// Scenario is the cluster that F8 puts a price on.
type Scenario struct {
	RateMiBPerSec  float64 `yaml:"rate_mib_per_s"`
	FanOut         float64 `yaml:"fan_out"`
	RetentionHours float64 `yaml:"retention_hours"`
	HotHours       float64 `yaml:"hot_hours"`
	Zones          float64 `yaml:"zones"`
	Replicas       float64 `yaml:"replicas"`
	Instance       string  `yaml:"instance"`
	CPUShare       float64 `yaml:"cpu_share"`
	DiskShare      float64 `yaml:"disk_share"`
	RackAwareReads bool    `yaml:"rack_aware_reads"`
	S3             string  `yaml:"s3"`
	Volume         string  `yaml:"volume"`
	WALGiB         float64 `yaml:"wal_gib"`
}

// Default is the book that is built in.
func Default() Book {
	b, err := Parse(defaultBook)
	if err != nil {
		panic(fmt.Sprintf("embedded price book: %v", err))
	}
	return b
}

// Read takes a file, or the default where the name is empty.
func Read(name string) (Book, error) {
	if name == "" {
		return Default(), nil
	}
	content, err := bounded.Read(name, maxBook)
	if err != nil {
		return Book{}, fmt.Errorf("price book: %w", err)
	}
	b, err := Parse(content)
	if err != nil {
		return Book{}, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// Parse reads a book and reports every fault.
func Parse(content []byte) (Book, error) {
	if err := bounded.Check(content, maxBook); err != nil {
		return Book{}, fmt.Errorf("price book: %w", err)
	}
	var b Book
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&b); err != nil {
		return Book{}, fmt.Errorf("price book: %w", err)
	}
	if err := b.validate(); err != nil {
		return Book{}, fmt.Errorf("price book %s: %w", b.Name, err)
	}
	return b, nil
}

func (b Book) validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(b.Name != "" && b.Date != "" && b.Source != "", "name, date and source are wanted: a price without them is a rumour")
	want(b.Currency == "USD", "currency is %q, want USD", b.Currency)
	want(b.CrossAZGB >= 0, "cross_az_gb is %g, want 0 or more", b.CrossAZGB)
	for name, s := range b.S3 {
		want(min(s.GBMonth, s.PutMillion, s.GetMillion, s.UpGB, s.DownGB) >= 0, "s3.%s has a price below 0", name)
	}
	for name, v := range b.Volumes {
		want(min(v.GBMonth, v.IOPSMonth, v.FreeIOPS, v.MiBMonth, v.FreeMiBPerSec) >= 0, "volumes.%s has a number below 0", name)
	}
	for name, i := range b.Instances {
		want(i.Hour >= 0 && i.VCPU > 0, "instances.%s: want hour ≥ 0 and vcpu > 0", name)
	}
	s := b.Scenario
	want(has(b.S3, s.S3), "scenario.s3 is %q, want one of %s", s.S3, names(b.S3))
	want(has(b.Volumes, s.Volume), "scenario.volume is %q, want one of %s", s.Volume, names(b.Volumes))
	want(has(b.Instances, s.Instance), "scenario.instance is %q, want one of %s", s.Instance, names(b.Instances))
	want(s.RateMiBPerSec > 0 && s.RetentionHours > 0 && s.Zones >= 1 && s.Replicas >= 1 && s.FanOut >= 0 && s.HotHours >= 0 && s.WALGiB > 0,
		"scenario: want rate_mib_per_s, retention_hours, wal_gib > 0, zones and replicas ≥ 1, fan_out and hot_hours ≥ 0")
	want(s.CPUShare > 0 && s.CPUShare <= 1 && s.DiskShare > 0 && s.DiskShare <= 1, "scenario: want cpu_share and disk_share in (0, 1]")
	return errors.Join(errs...)
}

func has[T any](m map[string]T, key string) bool { _, ok := m[key]; return ok }

func names[T any](m map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
