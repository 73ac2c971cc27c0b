package objstore

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

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

	Endpoint  string     // s3: URL of the server; empty is AWS
	Region    string     // s3
	PathStyle bool       // s3: bucket in the path rather than in the host name
	Model     string     // simulated latency and limits around any store; empty is none
	WriteRate units.Rate // dir: bytes a second at most that are written; zero is no limit
}

const urlHint = "want dir:PATH, mem:, null: or s3://bucket/prefix?endpoint=…&region=…&path_style=true"

// ParseURL reads a store URL: dir:PATH, mem:, null:, s3://bucket/prefix, each
// with ?model=s3-standard|s3-express; dir takes rate=20MiB/s; s3 takes
// endpoint, region and path_style. Errors name every fault, and a key that is
// not known is one.
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
	for key, vs := range values {
		if len(vs) > 1 {
			faults = append(faults, fmt.Errorf("key %q is given %d times", key, len(vs)))
			continue
		}
		if err := s.set(key, vs[0]); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// set takes one key of the query. Which keys there are depends on the scheme.
func (s *Spec) set(key, value string) (err error) {
	switch {
	case key == "model":
		if value != ModelS3Standard && value != ModelS3Express {
			return fmt.Errorf("model %q: want %s or %s", value, ModelS3Standard, ModelS3Express)
		}
		s.Model = value
	case key == "rate" && s.Scheme == SchemeDir:
		s.WriteRate, err = units.ParseRate(value)
		if err == nil && !s.WriteRate.IsBytes && s.WriteRate.PerSecond != 0 {
			err = fmt.Errorf("rate %q: want bytes, as in 20MiB/s", value)
		}
	case key == "endpoint" && s.Scheme == SchemeS3:
		s.Endpoint = value
	case key == "region" && s.Scheme == SchemeS3:
		s.Region = value
	case key == "path_style" && s.Scheme == SchemeS3:
		if s.PathStyle, err = strconv.ParseBool(value); err != nil {
			err = fmt.Errorf("path_style %q: want true or false", value)
		}
	default:
		err = fmt.Errorf("unknown key %q for scheme %s", key, s.Scheme)
	}
	return err
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
	if s.WriteRate != (units.Rate{}) {
		add("rate", s.WriteRate.String())
	}
	if len(query) > 0 {
		text += "?" + query.Encode()
	}
	return text
}
