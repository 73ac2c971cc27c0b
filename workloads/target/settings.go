package target

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
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
	name   string // of the file, as rows are told apart by it
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
	s.name = settingsName(path)
	return s, nil
}

// CopyPrefix begins the name of a copy of a file of settings, and is no part of
// what its rows are called: they keep their names when a trial is made again.
const CopyPrefix = "target-config-"

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// settingsName is the base name of a file without its extension, in letters that
// stay as they are in a row, a table and a path.
func settingsName(path string) string {
	base := filepath.Base(path)
	name := notInName.ReplaceAllString(strings.TrimPrefix(strings.TrimSuffix(base, filepath.Ext(base)), CopyPrefix), "-")
	return cmp.Or(strings.Trim(name[:min(len(name), 40)], "-."), "file")
}

// CopyName is what a copy of the file is called.
func (s *Settings) CopyName() string { return CopyPrefix + s.name + ".yaml" }

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
	for key := range s.rows[kind] {
		if !spec.says(key) {
			spec.from = s.name
		}
	}
	if err != nil && len(s.rows[kind]) > 0 {
		err = fmt.Errorf("%w (with the target configuration's settings of %s)", err, kind)
	}
	return spec, err
}
