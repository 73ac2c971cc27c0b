package broker

import (
	"fmt"
	"log/slog"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/null"
)

// walArena bounds what the WAL buffers for writing, in bytes.
const walArena = 32 << 20

// checkStore refuses a store URL that openStore would not open.
func checkStore(text string) error {
	spec, err := objstore.ParseURL(text)
	switch {
	case err != nil:
		return err
	case spec.Model != "":
		return fmt.Errorf("%q: model=%s is not built in yet; leave the key out", text, spec.Model)
	case spec.Scheme == objstore.SchemeS3:
		return fmt.Errorf("%q: scheme s3 is not built in yet; use dir:PATH", text)
	}
	return nil
}

// openStore opens the store that a store URL names.
func openStore(text string, log *slog.Logger) (objstore.Store, error) {
	spec, err := objstore.ParseURL(text)
	if err != nil {
		return nil, err
	}
	switch spec.Scheme {
	case objstore.SchemeDir:
		return dir.Open(dir.Config{Root: spec.Path, WriteRate: spec.WriteRate.PerSecond, Logger: log})
	case objstore.SchemeMem:
		return memstore.New(), nil
	case objstore.SchemeNull:
		return null.New(), nil
	}
	return nil, checkStore(text)
}
