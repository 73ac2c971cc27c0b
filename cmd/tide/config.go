package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
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

// Validate refuses keys that are no flags of the verbs that take a file.
func (f configFile) Validate(app *kong.Application) error {
	known := make(map[string]bool)
	for _, verb := range app.Children {
		for _, flag := range verb.Flags {
			if slices.ContainsFunc(verb.Flags, isConfig) && !isConfig(flag) {
				known[flag.Name] = true
			}
		}
	}
	for key := range f.values {
		if !known[key] {
			return fmt.Errorf("config file: unknown key %q; want one of %s", key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}

func isConfig(flag *kong.Flag) bool { return flag.Name == "config" }

// Resolve returns the value of one flag; nil when the file has none.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil // the environment comes before the file
		}
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
