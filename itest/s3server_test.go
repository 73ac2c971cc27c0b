package itest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// Credentials of the servers that tests start; nobody else can reach them.
const (
	s3Key, s3Secret = "tide-itest", "tide-itest-secret"
	s3Bucket        = "tide-itest"
)

// s3Server is a real S3 server on loopback, with a directory of its own.
type s3Server struct {
	addr string // HOST:PORT
	log  *logBuffer
	cmd  *exec.Cmd
}

// s3Commands are how each server is started.
var s3Commands = map[string]func(addr, dir string) []string{
	"versitygw": func(addr, dir string) []string {
		return []string{"--port", addr, "--access", s3Key, "--secret", s3Secret, "--keep-alive", "--quiet", "posix", dir}
	},
	"minio": func(addr, dir string) []string {
		return []string{"server", "--quiet", "--address", addr, "--console-address", "127.0.0.1:0", dir}
	},
}

// startS3 starts a server, waits until it answers, and makes the bucket. It
// ends with the test. A server that `make deps` could not get is a failure.
func startS3(t *testing.T, kind string) *s3Server {
	t.Helper()
	binary := filepath.Join(deps, "go", kind)
	_, err := os.Stat(binary)
	require.NoError(t, err, "no %s: `make deps` installs it, scripts/deps says how", kind)
	command := s3Commands[kind]
	require.NotNil(t, command, "no S3 server named %q: want versitygw or minio", kind)
	s := &s3Server{addr: freeAddr(t), log: &logBuffer{}}
	s.cmd = exec.Command(binary, command(s.addr, t.TempDir())...)
	s.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s3Key, "MINIO_ROOT_PASSWORD="+s3Secret, "MINIO_UPDATE=off")
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = s.log, s.log, dieWithParent()
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // killed
		if t.Failed() {
			t.Logf("output of %s:\n%s", kind, s.log)
		}
	})
	useCredentials(t)
	s.makeBucket(t)
	return s
}

// useCredentials gives the test, and brokers that it starts, the servers'
// credentials the way users do.
func useCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s3Key, "AWS_SECRET_ACCESS_KEY": s3Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// makeBucket also waits until the server answers.
func (s *s3Server) makeBucket(t *testing.T) {
	client := s.client(t)
	until(t, "the S3 server answers", func() bool {
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(s3Bucket)})
		return err == nil
	})
}

// url is a store URL at an address, which may be a proxy's.
func storeURL(addr, prefix string, more ...string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&path_style=true%s", s3Bucket, prefix, addr, strings.Join(append([]string{""}, more...), "&"))
}

// until polls for something that a process does in its own time.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(clientWithin), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not within %v: %s", clientWithin, what)
		}
	}
}
