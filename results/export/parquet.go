package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tidelog/tide/results/rows"
)

// warningsKey of the file's metadata: a JSON array of all warnings.
const warningsKey = "tide.warnings"

// Parquet writes the columns of CSV with their types, compressed with snappy, in
// pages and encodings that old readers know too. All columns are optional.
func Parquet(w io.Writer, t rows.Table) error {
	cols := columns(t)
	warnings, err := json.Marshal(append([]string{}, t.Warnings()...))
	if err != nil {
		return err
	}
	out := parquet.NewWriter(w, parquet.NewSchema("tide", schemaOf(cols)),
		parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1), parquet.KeyValueMetadata(warningsKey, string(warnings)))
	for _, r := range t.Rows {
		row := make(parquet.Row, len(cols))
		for i, c := range cols {
			row[i] = value(c.of(r)).Level(0, defined(c.of(r)), i)
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}

// ordered is a group whose fields keep the order of the columns: the library's
// own sorts them by name.
type ordered struct {
	parquet.Group
	cols []column
}

// Fields in the order of the columns.
func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	out := make([]parquet.Field, len(o.cols))
	for i, c := range o.cols {
		out[i] = byName[c.name]
	}
	return out
}

func schemaOf(cols []column) parquet.Node {
	group := parquet.Group{}
	for _, c := range cols {
		group[c.name] = parquet.Optional(leaf(c.kind))
	}
	return ordered{group, cols}
}

func leaf(k kind) parquet.Node {
	switch k {
	case text:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case integer:
		return parquet.Int(64)
	case float:
		return parquet.Leaf(parquet.DoubleType)
	case boolean:
		return parquet.Leaf(parquet.BooleanType)
	case moment:
		return parquet.Timestamp(parquet.Millisecond)
	}
	panic(fmt.Sprintf("column of kind %d", k))
}

func value(v any) parquet.Value {
	switch v := v.(type) {
	case nil:
		return parquet.NullValue()
	case time.Time:
		return parquet.Int64Value(v.UnixMilli())
	default:
		return parquet.ValueOf(v)
	}
}

// defined is the level at which an optional value is there.
func defined(v any) int {
	if v == nil {
		return 0
	}
	return 1
}
