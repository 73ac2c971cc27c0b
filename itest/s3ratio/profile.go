package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tidelog/tide/workloads/target"
)

// profile has a broker's CPU profile written while it is read from; the function
// that it returns waits for it. The port takes whole seconds, so the profile goes
// on for as many as the reading that was not counted took; those who idle in it
// leave no samples.
func (b *backlog) profile(ctx context.Context, p *target.Process) func() error {
	if b.cfg.Profile == "" || p.Admin() == noAdmin {
		return func() error { return nil }
	}
	seconds := int(b.took/time.Second) + 1
	b.profiles++
	name := filepath.Join(b.cfg.Profile, fmt.Sprintf("tide-%d-%d.pprof", b.partitions, b.profiles))
	done := make(chan error, 1)
	go func() {
		done <- download(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.Admin(), seconds), name)
	}()
	return func() error { return <-done }
}

func download(ctx context.Context, url, name string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
