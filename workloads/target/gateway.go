package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Credentials of a gateway; nobody but this machine reaches it.
const gatewayKey, gatewaySecret, gatewayBucket = "bench", "bench-secret", "bench"

// Gateway is an S3 server, versitygw, over a directory: a process of its own, on
// loopback, that does not outlive the one which started it. Of the methods that
// come with a child, Usage, Ended and LastWords are for any goroutine, Stop for
// one.
type Gateway struct {
	*child
	addr string
}

// StartGateway starts a binary over a directory, which is made, and returns once
// it takes connections. What it says is appended to the file log. An error
// leaves no process behind.
func StartGateway(ctx context.Context, binary, dir, log string) (*Gateway, error) {
	if err := os.MkdirAll(filepath.Join(dir, gatewayBucket), 0o755); err != nil { // its buckets are directories
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	c, err := openChild("the S3 server", log, nil, stopTimeout)
	if err != nil {
		return nil, err
	}
	c.termed = true
	cmd := exec.Command(binary, "--port", addr, "--access", gatewayKey, "--secret", gatewaySecret, "--keep-alive", "--quiet", "posix", dir)
	if err := c.launch(ctx, cmd, listening(addr), time.Minute); err != nil {
		c.log.Close()
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: scripts/deps s3 installs it", err)
		}
		return nil, err
	}
	return &Gateway{c, addr}, nil
}

// URL is the store URL, below a prefix.
func (g *Gateway) URL(prefix string) string { return gatewayURL(g.addr, prefix) }

// Env has the credentials, and keeps those of a person away.
func (g *Gateway) Env() []string { return gatewayEnv() }

// gatewayURL is that of a gateway, or of what stands before one.
func gatewayURL(addr, prefix string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&path_style=true", gatewayBucket, prefix, addr)
}

func gatewayEnv() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + gatewayKey, "AWS_SECRET_ACCESS_KEY=" + gatewaySecret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}
