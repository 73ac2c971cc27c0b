package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// beside is an object store that is started with a target: a server over a
// directory beside the target's data, and where a model is asked for, a proxy
// before it that lets S3's time pass. Both are processes of their own, on
// loopback, so that two systems get the very same store.
//
//	target ──▶ [tide s3 proxy, the model] ──▶ versitygw ──▶ DATA/s3
type beside struct {
	Server string // versitygw; empty: none
	Model  string // of S3's time; empty: none
}

// beside reads s3= and model=.
func (s Spec) beside() (beside, error) {
	b := beside{Server: s.Keys["s3"], Model: s.Keys["model"]}
	if s.Kind == KafkaTiered && b.Server == "" && s.Keys["rsm"] != "local" && s.Keys["store"] == "" {
		b.Server = "versitygw"
	}
	switch {
	case b.Server != "" && b.Server != "versitygw":
		return b, fmt.Errorf("s3: %s: want versitygw", b.Server)
	case b.Server != "" && (s.Flags["store"] != "" || s.Keys["store"] != "" || s.Keys["rsm"] == "local"):
		return b, errors.New("s3: the target is told to have its objects elsewhere")
	case b.Model != "" && b.Server == "":
		return b, errors.New("model: it stands before a server: add s3=versitygw, or give a store URL of the broker model=")
	case b.Model != "" && b.Model != "s3-standard" && b.Model != "s3-express":
		return b, fmt.Errorf("model: %s: want s3-standard or s3-express", b.Model)
	}
	return b, nil
}

// store is one that runs.
type store struct {
	server *Gateway
	proxy  *child // nil without a model
	addr   string // what targets talk to
	admin  string // of the proxy
}

// start starts the server, and the proxy before it.
func (b beside) start(ctx context.Context, cfg StartConfig) (_ *store, err error) {
	if b.Server == "" {
		return nil, nil
	}
	s := &store{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if err := s.startServer(ctx, cfg); err != nil || b.Model == "" {
		return s, err
	}
	return s, s.startProxy(ctx, cfg, b.Model)
}

func (s *store) startServer(ctx context.Context, cfg StartConfig) error {
	root, err := home()
	if err != nil {
		return err
	}
	binary := filepath.Join(root, "bin", "deps", "go", "versitygw")
	if s.server, err = StartGateway(ctx, binary, filepath.Join(cfg.Data, "s3"), beforeExt(cfg.Log, "-s3")); err != nil {
		return err
	}
	s.addr = s.server.addr
	return nil
}

func (s *store) startProxy(ctx context.Context, cfg StartConfig, model string) error {
	c, err := openChild("the S3 proxy", beforeExt(cfg.Log, "-proxy"), nil, stopTimeout)
	if err != nil {
		return err
	}
	s.proxy = c
	cmd := exec.Command(cfg.Binary, "s3-proxy", "--to", s.addr, "--model", model)
	cmd.Env = withoutFlags(os.Environ())
	is := newReadyLine("s3")
	if err := c.launch(ctx, cmd, is, time.Minute); err != nil {
		return err
	}
	s.addr, s.admin = is.at, is.admin
	return nil
}

// url is the store URL, below a prefix.
func (s *store) url(prefix string) string { return gatewayURL(s.addr, prefix) }

func (s *store) env() []string { return gatewayEnv() }

// stop ends both; nil has none.
func (s *store) stop() error {
	if s == nil {
		return nil
	}
	var errs []error
	if s.proxy != nil {
		errs = append(errs, s.proxy.Stop())
	}
	if s.server != nil {
		errs = append(errs, s.server.Stop())
	}
	return errors.Join(errs...)
}

// metrics adds the proxy's to a target's: what is simulated, above all.
func (s *store) metrics(ctx context.Context, of Metrics) (Metrics, error) {
	if s == nil || s.proxy == nil {
		return of, nil
	}
	more, err := ReadMetrics(ctx, s.admin)
	if err != nil {
		return nil, err
	}
	maps.Copy(more, of)
	return more, nil
}

// freeAddr is one that the kernel has just had free.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// beforeExt turns broker.log into broker-s3.log.
func beforeExt(name, add string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + add + ext
}
