package itest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	tide    = flag.String("tide", filepath.Join("..", "bin", "tide"), "the binary under test")
	against = flag.String("against", "", "run client scenarios against this HOST:PORT instead of bin/tide")
	rounds  = flag.Int("rounds", 20, "rounds of kill -9 in TestKill9")
	servers = flag.String("s3", "versitygw", "S3 servers that judge the store, with commas between: versitygw, minio")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of what is random; printed, so that a failure can be repeated")
)

// deps is where `make deps` puts the clients.
var deps = filepath.Join("..", "bin", "deps")

func TestMain(m *testing.M) {
	flag.Parse()
	fmt.Printf("itest: seed %d, rounds %d\n", *seed, *rounds)
	if _, err := os.Stat(*tide); err != nil && *against == "" {
		fmt.Fprintln(os.Stderr, "itest: no", *tide+": run `make itest`, which builds it first")
		os.Exit(1)
	}
	// toxiproxy leaves the ends of connections behind that its toxics have broken.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).AddToxic.func1"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}
