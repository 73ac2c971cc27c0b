package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
)

// kafka is Apache Kafka of one node, run by scripts/kafka/serve, so that what
// is measured is what a person starts by hand.
//
//	DATA/kafka/server.properties   as the script has filled it in
//	DATA/kafka/log/TOPIC-N/        segments
//	DATA/kafka/chunks              the plug-in's cache; its files have no names
type kafka struct {
	*child
	script string
	args   []string
	env    []string
	dir    string
	addr   string
	admin  string // of the plug-in; empty: there is none
	heap   int64  // -Xmx, bytes
}

// readyKafka is how long a JVM may take to serve, recovering its log included.
const readyKafka = 2 * time.Minute

// startKafka starts it, with its tier in a store that runs; nil: in none.
func (s Spec) startKafka(ctx context.Context, cfg StartConfig, l *limits, at *store) (Running, error) {
	r, err := s.rival()
	if err != nil {
		return nil, err
	}
	root, err := home()
	if err != nil {
		return nil, err
	}
	c, err := openChild("Kafka", cfg.Log, l, stopTimeout)
	if err != nil {
		return nil, err
	}
	c.termed = true // a JVM ends so
	k := &kafka{child: c, script: filepath.Join(root, "scripts", "kafka", "serve"), dir: filepath.Join(cfg.Data, "kafka")}
	if err = k.configure(r, cfg.PartitionBytes, at); err == nil {
		err = k.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	c.beside = at // from here on it is this target's to stop
	if r.Tiered {
		return &tieredKafka{kafka: k}, nil
	}
	return k, nil
}

// configure makes the arguments of the script.
func (k *kafka) configure(r rival, perPartition int64, at *store) error {
	var ports [3]string
	for i := range ports {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		_, ports[i], _ = net.SplitHostPort(addr) // it is one
	}
	k.addr = net.JoinHostPort("127.0.0.1", ports[0])
	k.args = []string{k.dir, "--port", ports[0], "--controller", ports[1], "--profile", r.Profile, "--heap", fmt.Sprintf("%dm", r.Heap>>20)}
	if r.Flush {
		k.args = append(k.args, "--flush")
	}
	if len(r.JVM) > 0 {
		k.args = append(k.args, "--jvm", strings.Join(r.JVM, " "))
	}
	for _, property := range r.Set {
		k.args = append(k.args, "--set", property)
	}
	k.heap = r.Heap
	if !r.Tiered {
		return nil
	}
	tier := r.Store
	if at != nil {
		tier, k.env = at.url("kafka"), at.env()
	}
	if r.RSM == "local" {
		tier = "local"
	} else {
		k.admin = net.JoinHostPort("127.0.0.1", ports[2])
		k.args = append(k.args, "--metrics", ports[2], "--cache", decimal(r.Cache), "--prefetch", decimal(r.Prefetch), "--part", decimal(r.Part))
	}
	k.args = append(k.args, "--tiered", tier, "--segment", decimal(r.segment(perPartition)))
	return nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func (k *kafka) start(ctx context.Context) error {
	cmd := exec.Command(k.script, k.args...)
	cmd.Env = append(os.Environ(), k.env...)
	return k.launch(ctx, cmd, speaksKafka(k.addr), readyKafka)
}

// Kafka is the address for clients.
func (k *kafka) Kafka() string { return k.addr }

// Restart starts a dead one on the same data and addresses.
func (k *kafka) Restart(ctx context.Context) error { return k.start(ctx) }

// Metrics are the plug-in's, and what the process has written to devices.
func (k *kafka) Metrics(ctx context.Context) (Metrics, error) {
	m := Metrics{}
	if k.admin != "" {
		var err error
		if m, err = ReadMetrics(ctx, k.admin); err != nil {
			return nil, err
		}
	}
	maps.Copy(m, k.io())
	return k.beside.metrics(ctx, m)
}

// changing are settings that differ from run to run and say nothing.
var changing = []string{"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs", "cache.dir", "rsm.config.dir", "class.path", "endpoint", "metrics.port"}

// heapSetting is what a result calls -Xmx, which is -Xms as well.
const heapSetting = "kafka.jvm.heap"

// Describe is its configuration, as the script has written it.
func (k *kafka) Describe() map[string]string {
	out := map[string]string{}
	if k.heap > 0 {
		out[heapSetting] = units.Size(k.heap)
	}
	f, err := os.Open(filepath.Join(k.dir, "server.properties"))
	if err != nil {
		return out
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		key, value, ok := strings.Cut(in.Text(), "=")
		if ok && !strings.HasPrefix(key, "#") && !changes(key) {
			out["kafka."+key] = value // the last one counts, as for Kafka
		}
	}
	return out
}

func changes(key string) bool {
	for _, c := range changing {
		if strings.HasSuffix(key, c) {
			return true
		}
	}
	return false
}
