package workloads

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Override returns a workload's YAML with some keys set to other values, each
// written as it would stand in the file, and checks the outcome. Comments are
// kept, so that the file says what it was made of.
func Override(source []byte, values map[string]string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("workload: want a mapping of keys to values")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := set(doc.Content[0], key, values[key]); err != nil {
			return nil, fmt.Errorf("workload: key %s: %w", key, err)
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	_, err := Parse(out.Bytes())
	return out.Bytes(), err
}

// set replaces the value of a key, or adds both.
func set(mapping *yaml.Node, key, text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	if len(doc.Content) != 1 {
		return fmt.Errorf("%q is no value", text)
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i+1] = doc.Content[0]
			return nil
		}
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, doc.Content[0])
	return nil
}
