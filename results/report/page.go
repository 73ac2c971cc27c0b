package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
)

// What every page carries in itself: our own style and scripts, and uPlot as it
// was released.
//
//go:embed page/*.css page/*.js page/*.tmpl uplot/uPlot.iife.min.js uplot/uPlot.min.css
var assets embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style": func() (template.CSS, error) {
		s, err := assetText("uplot/uPlot.min.css", "page/page.css")
		return template.CSS(s), err
	},
	"script": script,
	"arms":   armTable,
}).ParseFS(assets, "page/*.tmpl"))

// armTable is what the template of differences takes: with a page, values stand
// by configuration where that page has few.
func armTable(p *overlayPage, list []difference) any {
	t := struct {
		Arms []string
		List []difference
	}{List: list}
	if p != nil && len(p.Arms) <= maxArmColumns {
		t.Arms = p.Arms
		return t
	}
	for i := range t.List {
		t.List[i].ByArm = nil
	}
	return t
}

// script gives uPlot, the common scripts and the page's own, in that order.
func script(own ...string) (template.JS, error) {
	names := []string{"uplot/uPlot.iife.min.js", "page/base.js", "page/plots.js"}
	for _, name := range own {
		names = append(names, "page/"+name)
	}
	s, err := assetText(names...)
	return template.JS(s), err
}

func assetText(names ...string) (string, error) {
	var out bytes.Buffer
	for _, name := range names {
		b, err := assets.ReadFile(name)
		if err != nil {
			return "", err
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.String(), nil
}

// data for a page's script. json.Marshal escapes what could end the element.
func data(v any) (template.JS, error) {
	b, err := json.Marshal(v)
	return template.JS(b), err
}

// execute makes a page of a template.
func execute(name string, v any) ([]byte, error) {
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, v); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// writePage makes a page's file, and its directory where that is missing.
func writePage(path string, html []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, html, 0o644)
}
