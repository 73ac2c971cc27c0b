package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/internal/bounded"
)

// Settings are a file of settings for rows of --target, by the kind of target:
//
//	tide:  {wal: "uring:?depth=8", policy: s3fifo, memory: 2GiB}
//	kafka: {profile: tuned, jvm: -XX:+UseZGC, num.io.threads: 4}
//
// They are the keys that a row takes behind its ?, and come to it the same way;
// what the row says itself comes before them.
type Settings struct {
	source []byte
	rows   map[string]map[string]string // kind → key → value, as it is written
}

// maxSettings of a file, bytes: it is read into memory.
const maxSettings = 1 << 20

// OpenSettings reads a file. Kinds and forms are checked here, keys and values
// where they come to a row.
func OpenSettings(path string) (*Settings, error) {
	source, err := bounded.Read(path, maxSettings)
	if err != nil {
		return nil, fmt.Errorf("target configuration: %w", err)
	}
	s, err := readSettings(source)
	if err != nil {
		return nil, fmt.Errorf("target configuration %s: %w", path, err)
	}
	return s, nil
}

func readSettings(source []byte) (*Settings, error) {
	// Nodes, as a key written null is no word to a decoder, and a value such as
	// 010 is to stay as it was written.
	var file yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(source))
	if err := in.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := in.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, errors.New("want one document: what is behind a line of --- would not be read"))
	}
	s := &Settings{source: source, rows: map[string]map[string]string{}}
	if len(file.Content) == 0 {
		return s, nil
	}
	return s, pairs("the file", file.Content[0], func(kind string, of *yaml.Node) error {
		if _, known := kinds[kind]; !known {
			return fmt.Errorf("line %d: %s: want %s", of.Line, kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		row := map[string]string{}
		s.rows[kind] = row
		return pairs(kind, of, func(key string, value *yaml.Node) error {
			if value.Kind != yaml.ScalarNode || value.Value == "" || value.ShortTag() == "!!null" {
				return fmt.Errorf("line %d: %s: %s: want one value", value.Line, kind, key)
			}
			row[key] = value.Value
			return nil
		})
	})
}

// pairs calls each for the pairs of a mapping, and joins what it finds.
func pairs(name string, of *yaml.Node, each func(key string, value *yaml.Node) error) error {
	if of.Kind == yaml.AliasNode {
		of = of.Alias
	}
	if of.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s: want key: value", of.Line, name)
	}
	var faults []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(of.Content); i += 2 {
		key := of.Content[i]
		if seen[key.Value] {
			faults = append(faults, fmt.Errorf("line %d: %s: %s is given twice", key.Line, name, key.Value))
			continue
		}
		seen[key.Value] = true
		faults = append(faults, each(key.Value, of.Content[i+1]))
	}
	return errors.Join(faults...)
}

// Source is the file as it was read.
func (s *Settings) Source() []byte { return s.source }

// Kinds that the file has settings for, sorted.
func (s *Settings) Kinds() []string { return slices.Sorted(maps.Keys(s.rows)) }

// Parse reads a row as ParseSpec does, with the settings of its kind where it
// says nothing itself. A nil one has none.
func (s *Settings) Parse(text string) (Spec, error) {
	if s == nil {
		return parseSpec(text, nil)
	}
	kind, _, _ := strings.Cut(text, "?")
	spec, err := parseSpec(text, s.rows[kind])
	if err != nil && len(s.rows[kind]) > 0 {
		err = fmt.Errorf("%w (with the target configuration's settings of %s)", err, kind)
	}
	return spec, err
}
