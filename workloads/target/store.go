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

// Credentials of the server; nobody but this machine reaches it.
const storeKey, storeSecret, storeBucket = "bench", "bench-secret", "bench"

// store is one that runs.
type store struct {
	server, proxy *child // proxy nil without a model
	addr          string // what targets talk to
	admin         string // of the proxy
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
	dir := filepath.Join(cfg.Data, "s3")
	if err := os.MkdirAll(filepath.Join(dir, storeBucket), 0o755); err != nil { // its buckets are directories
		return err
	}
	if s.addr, err = freeAddr(); err != nil {
		return err
	}
	c, err := openChild("the S3 server", beforeExt(cfg.Log, "-s3"), nil, stopTimeout)
	if err != nil {
		return err
	}
	s.server, c.termed = c, true
	cmd := exec.Command(filepath.Join(root, "bin", "deps", "go", "versitygw"), "--port", s.addr,
		"--access", storeKey, "--secret", storeSecret, "--keep-alive", "--quiet", "posix", dir)
	return c.launch(ctx, cmd, listening(s.addr), time.Minute)
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
func (s *store) url(prefix string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&path_style=true", storeBucket, prefix, s.addr)
}

// env has the credentials, and keeps those of a person away.
func (s *store) env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + storeKey, "AWS_SECRET_ACCESS_KEY=" + storeSecret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// stop ends both; nil has none.
func (s *store) stop() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, c := range []*child{s.proxy, s.server} {
		if c != nil {
			errs = append(errs, c.Stop())
		}
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
