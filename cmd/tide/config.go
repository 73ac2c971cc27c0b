package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// loadConfig makes a kong resolver of a YAML file: a flat map from flag names,
// without dashes in front, to values. A key that is no flag of the verb is
// refused, as a typing error that changes nothing is worse than none.
func loadConfig(r io.Reader) (kong.Resolver, error) {
	var file configFile
	if err := yaml.NewDecoder(r).Decode(&file.values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("config file: %w", err)
	}
	return file, nil
}

// configFile is one parsed file.
type configFile struct{ values map[string]any }

// Validate refuses unknown keys.
func (f configFile) Validate(app *kong.Application) error { return nil }

// Resolve returns the value of one flag; nil when the file has none.
func (f configFile) Resolve(kctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if err := f.checkKeys(kctx); err != nil {
		return nil, err
	}
	switch v := f.values[flag.Name].(type) {
	case nil:
		return nil, nil
	case string, bool, int:
		return fmt.Sprint(v), nil
	default:
		return nil, fmt.Errorf("config file: %s: want a string, a number or a boolean", flag.Name)
	}
}

// checkKeys compares the file's keys with the flags of the chosen verb.
func (f configFile) checkKeys(kctx *kong.Context) error {
	known := make(map[string]bool)
	for _, group := range kctx.Selected().AllFlags(true) {
		for _, flag := range group {
			known[flag.Name] = true
		}
	}
	delete(known, "config")
	delete(known, "help")
	for key := range f.values {
		if !known[key] {
			return fmt.Errorf("config file: unknown key %q; want one of %s", key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}
