package objstore

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
)

// Schemes of store URLs.
const (
	SchemeDir  = "dir"  // files in a directory
	SchemeMem  = "mem"  // memory of the process
	SchemeNull = "null" // discards what is put
	SchemeS3   = "s3"   // a bucket
)

// Models that a store URL may name.
const (
	ModelS3Standard = "s3-standard"
	ModelS3Express  = "s3-express"
)

// Spec is a parsed store URL. It says what is wanted; whether this build has
// it is for whoever opens it to say.
type Spec struct {
	Scheme string
	Path   string // dir: the directory
	Bucket string // s3
	Prefix string // s3: before every key, without slashes around it; may be empty

	Endpoint  string        // s3: URL of the server; empty is AWS
	Region    string        // s3
	PathStyle bool          // s3: bucket in the path rather than in the host name
	Part      int64         // s3 and models: bytes of a part of an upload; 0 is --upload-part
	Deadline  time.Duration // s3: of one call with all its attempts; 0 is 60 s
	WriteRate units.Rate    // dir: bytes a second at most that are written; zero is no limit

	Model    string  // simulated latency and limits around any store; empty is none
	Seed     uint64  // of the model
	SlowDown float64 // share of requests that the model answers with 503, from 0 to 1
}

const urlHint = "want dir:PATH, mem:, null: or s3://bucket/prefix?endpoint=…&region=…&path_style=true"

// ParseURL reads a store URL: dir:PATH, mem:, null:, s3://bucket/prefix, each
// with ?model=s3-standard|s3-express, and then seed=1, slowdown=0.01 and
// part=32MiB; dir takes rate=20MiB/s; s3 takes endpoint, region, path_style,
// part and deadline=60s. Errors name every fault, and a key that is not known
// is one.
func ParseURL(text string) (Spec, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return Spec{}, fmt.Errorf("store URL %q: %s", text, urlHint)
	}
	place, query, _ := strings.Cut(rest, "?")
	s := Spec{Scheme: scheme}
	if err := errors.Join(s.parsePlace(place), s.parseQuery(query)); err != nil {
		return Spec{}, fmt.Errorf("store URL %q: %w", text, err)
	}
	return s, nil
}

// parsePlace reads what stands between the scheme and the query.
func (s *Spec) parsePlace(place string) error {
	switch s.Scheme {
	case SchemeDir:
		s.Path = place
		if place == "" {
			return errors.New("scheme dir needs a directory, as in dir:PATH")
		}
	case SchemeMem, SchemeNull:
		if place != "" {
			return fmt.Errorf("scheme %s takes no path, found %q", s.Scheme, place)
		}
	case SchemeS3:
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(place, "//"), "/")
		s.Bucket, s.Prefix = bucket, strings.Trim(prefix, "/")
		if !strings.HasPrefix(place, "//") || bucket == "" {
			return errors.New("scheme s3 needs a bucket, as in s3://bucket/prefix")
		}
	default:
		return fmt.Errorf("unknown scheme %q: %s", s.Scheme, urlHint)
	}
	return nil
}

func (s *Spec) parseQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	var faults []error
	s.Model = values.Get("model") // which decides what other keys there are
	for _, key := range slices.Sorted(maps.Keys(values)) {
		vs := values[key]
		if len(vs) > 1 {
			faults = append(faults, fmt.Errorf("key %q is given %d times", key, len(vs)))
			continue
		}
		set, ok := keys[key]
		if !ok || !set.of(*s) {
			faults = append(faults, fmt.Errorf("unknown key %q for scheme %s%s", key, s.Scheme, set.hint))
			continue
		}
		if err := set.parse(s, vs[0]); err != nil {
			faults = append(faults, fmt.Errorf("%s %q: %w", key, vs[0], err))
		}
	}
	return errors.Join(faults...)
}

// setting is one key of the query.
type setting struct {
	of    func(Spec) bool // does a URL like this have it
	hint  string          // if not: when one would
	parse func(s *Spec, value string) error
}

func ofDir(s Spec) bool   { return s.Scheme == SchemeDir }
func ofS3(s Spec) bool    { return s.Scheme == SchemeS3 }
func ofModel(s Spec) bool { return s.Model != "" }
func ofParts(s Spec) bool { return ofS3(s) || ofModel(s) }

const withModel = " without model"

var keys = map[string]setting{
	"model":      {func(Spec) bool { return true }, "", (*Spec).parseModel},
	"seed":       {ofModel, withModel, (*Spec).parseSeed},
	"slowdown":   {ofModel, withModel, (*Spec).parseSlowDown},
	"part":       {ofParts, withModel, (*Spec).parsePart},
	"rate":       {ofDir, "", (*Spec).parseRate},
	"endpoint":   {ofS3, "", func(s *Spec, v string) error { s.Endpoint = v; return nil }},
	"region":     {ofS3, "", func(s *Spec, v string) error { s.Region = v; return nil }},
	"path_style": {ofS3, "", (*Spec).parsePathStyle},
	"deadline":   {ofS3, "", (*Spec).parseDeadline},
}

func (s *Spec) parseModel(v string) error {
	if v != ModelS3Standard && v != ModelS3Express {
		return fmt.Errorf("want %s or %s", ModelS3Standard, ModelS3Express)
	}
	return nil
}

func (s *Spec) parseSeed(v string) (err error) {
	if s.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
		return errors.New("want a whole number from 0")
	}
	return nil
}

func (s *Spec) parseSlowDown(v string) (err error) {
	if s.SlowDown, err = strconv.ParseFloat(v, 64); err != nil || !(s.SlowDown >= 0 && s.SlowDown <= 1) {
		return errors.New("want a share of all requests, from 0 to 1")
	}
	return nil
}

func (s *Spec) parsePart(v string) (err error) {
	s.Part, err = units.ParseSize(v)
	return err
}

func (s *Spec) parseRate(v string) (err error) {
	s.WriteRate, err = units.ParseRate(v)
	if err == nil && !s.WriteRate.IsBytes && s.WriteRate.PerSecond != 0 {
		err = errors.New("want bytes, as in 20MiB/s")
	}
	return err
}

func (s *Spec) parsePathStyle(v string) (err error) {
	if s.PathStyle, err = strconv.ParseBool(v); err != nil {
		return errors.New("want true or false")
	}
	return nil
}

func (s *Spec) parseDeadline(v string) (err error) {
	if s.Deadline, err = time.ParseDuration(v); err != nil || s.Deadline <= 0 {
		return errors.New("want a time, as in 60s")
	}
	return nil
}

// String prints the URL so that ParseURL gives the Spec back.
func (s Spec) String() string {
	text := s.Scheme + ":" + s.Path
	if s.Scheme == SchemeS3 {
		text = "s3://" + s.Bucket
		if s.Prefix != "" {
			text += "/" + s.Prefix
		}
	}
	query := url.Values{}
	add := func(key, value string) {
		if value != "" {
			query.Set(key, value)
		}
	}
	add("endpoint", s.Endpoint)
	add("region", s.Region)
	add("model", s.Model)
	if s.PathStyle {
		add("path_style", "true")
	}
	if s.Part != 0 {
		add("part", units.Size(s.Part))
	}
	if s.Deadline != 0 {
		add("deadline", s.Deadline.String())
	}
	if s.Seed != 0 {
		add("seed", strconv.FormatUint(s.Seed, 10))
	}
	if s.SlowDown != 0 {
		add("slowdown", strconv.FormatFloat(s.SlowDown, 'g', -1, 64))
	}
	if s.WriteRate != (units.Rate{}) {
		add("rate", s.WriteRate.String())
	}
	if len(query) > 0 {
		text += "?" + query.Encode()
	}
	return text
}
