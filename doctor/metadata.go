package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	metadataTimeout = 2 * time.Second // the service answers in a millisecond or not at all
	metadataMax     = 4 << 10         // bytes of an answer
)

// instanceMetadata reads one key from the metadata service of an EC2 instance,
// version 2: a token first, which a forged request from outside cannot get.
func instanceMetadata(base string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, key string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
		defer cancel()
		token, err := askMetadata(ctx, http.MethodPut, base+"/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
		if err != nil {
			return "", err
		}
		return askMetadata(ctx, http.MethodGet, base+"/latest/meta-data/"+key, "X-aws-ec2-metadata-token", token)
	}
}

// metadataClient goes straight there: a proxy would answer for another host.
var metadataClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func askMetadata(ctx context.Context, method, url, header, value string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(header, value)
	resp, err := metadataClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, metadataMax))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("instance metadata: %s", resp.Status)
	}
	return strings.TrimSpace(string(body)), nil
}
