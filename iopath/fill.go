package iopath

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// FillURL completes a WAL URL: the default scheme is pwrite, an empty path
// becomes dir/wal, and a missing capacity the one given, unless that is empty.
// It checks no more than it needs to.
func FillURL(text, dir, capacity string) (string, error) {
	if text == "" {
		text = "pwrite:"
	}
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return "", fmt.Errorf("WAL URL %q: want SCHEME:PATH?key=value, such as uring: or pwrite:/data/wal?capacity=2GiB", text)
	}
	path, query, _ := strings.Cut(rest, "?")
	keys, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("WAL URL %q: %w", text, err)
	}
	if path == "" && scheme != SchemeMem && scheme != SchemeNull {
		path = filepath.Join(dir, "wal")
	}
	if capacity != "" && !keys.Has("capacity") {
		// Appended as text: encoding the keys anew would sort them and escape
		// what a person is to read again in run.json.
		query = strings.TrimPrefix(query+"&capacity="+capacity, "&")
	}
	if query != "" {
		path += "?" + query
	}
	return scheme + ":" + path, nil
}
