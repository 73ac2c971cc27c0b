package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/workloads/target"
)

// Credentials of the server; nobody but this machine reaches it.
const gatewayKey, gatewaySecret, gatewayBucket = "ratio", "ratio-secret", "ratio"

// gateway is a versitygw over a directory.
type gateway struct {
	addr string
	cmd  *exec.Cmd
	said bytes.Buffer  // read when it has ended
	gone chan struct{} // closed when it has
}

// startGateway returns once it takes connections.
func startGateway(ctx context.Context, binary, dir string) (*gateway, error) {
	if err := os.MkdirAll(filepath.Join(dir, gatewayBucket), 0o755); err != nil { // its buckets are directories
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{addr: l.Addr().String(), gone: make(chan struct{})}
	l.Close()
	g.cmd = exec.Command(binary, "--port", g.addr, "--access", gatewayKey, "--secret", gatewaySecret, "--keep-alive", "--quiet", "posix", dir)
	g.cmd.Stdout, g.cmd.Stderr, g.cmd.SysProcAttr = &g.said, &g.said, target.DieWithParent()
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the S3 server: %w: scripts/deps s3 installs it", err)
	}
	go func() {
		_ = g.cmd.Wait() // it is killed
		close(g.gone)
	}()
	if err := g.await(ctx); err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

func (g *gateway) await(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", g.addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-g.gone:
			return fmt.Errorf("the S3 server ended by itself: %s", g.said.String())
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

func (g *gateway) stop() {
	_ = g.cmd.Process.Kill() // fails only when it has ended
	<-g.gone
}

func (g *gateway) url(prefix string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&path_style=true", gatewayBucket, prefix, g.addr)
}

// env has the credentials, and keeps those of a person away.
func (g *gateway) env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + gatewayKey, "AWS_SECRET_ACCESS_KEY=" + gatewaySecret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// cpu is what it has used so far, as proc(5) counts it; 0 where there is no /proc.
func (g *gateway) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const utime, stime, tick = 11, 12, 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
	if len(fields) <= stime {
		return 0
	}
	user, _ := strconv.ParseInt(fields[utime], 10, 64)   // the kernel's own digits
	system, _ := strconv.ParseInt(fields[stime], 10, 64) // likewise
	return time.Duration(user+system) * tick
}
