package figures

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// svgText is a text as vgsvg writes it, in the one face that style sets.
var svgText = regexp.MustCompile(`<text ([^>]*?)font-family:Liberation Sans;([^>]*?)font-size:([0-9.]+)px"?([^>]*)>([^<]*)</text>`)

// portable makes an SVG look the same whatever fonts the reader's machine has.
// The layout was made with the widths of Liberation Sans, which browsers seldom
// find; in a wider face a legend ran into its lines and the last label of an
// axis out of the picture. So each text says how wide it is, and the reader
// squeezes its own face to that. (Outlines in place of letters were tried: ten
// times the bytes, and nobody can search them.)
func portable(svg []byte) []byte {
	face := plot.DefaultFont
	face.Variant = "Sans"
	return svgText.ReplaceAllFunc(svg, func(match []byte) []byte {
		m := svgText.FindSubmatch(match)
		size, err := strconv.ParseFloat(string(m[3]), 64)
		if err != nil || len(m[5]) == 0 {
			return match
		}
		sized := font.DefaultCache.Lookup(face, font.Length(size))
		width := sized.Width(html.UnescapeString(string(m[5])))
		at := bytes.IndexByte(match, '>')
		out := fmt.Appendf(nil, `%s textLength="%.2f" lengthAdjust="spacingAndGlyphs">`, match[:at], width.Points())
		out = append(out, match[at+1:]...)
		return bytes.Replace(out, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"), 1)
	})
}
