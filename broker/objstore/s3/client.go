package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/tidelog/tide/broker/objstore"
)

// side is one of the two halves of a store, reads and writes: nothing that
// can run out is shared between them.
type side struct {
	client    *s3.Client
	transport *http.Transport
	gate      *objstore.Gate
}

// newSide makes a client with so many requests in flight.
func newSide(base aws.Config, cfg Config, places int) side {
	tr := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           cfg.Dial,
		MaxConnsPerHost:       places,
		MaxIdleConnsPerHost:   places,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
		WriteBufferSize:       64 << 10,
	}
	client := s3.NewFromConfig(base, func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: tr, CheckRedirect: noRedirect}
		o.UsePathStyle = cfg.PathStyle
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
			o.DisableS3ExpressSessionAuth = aws.Bool(true) // which is AWS's own
		}
		// Checksums are ours: known before the first byte goes, and asked for
		// where something is compared. The SDK would add its own to the rest.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
		o.Retryer = newRetryer(cfg)
		o.APIOptions = append(o.APIOptions, addMiddleware)
	})
	return side{client: client, transport: tr, gate: objstore.NewGate(places, objstore.Spared{})}
}

// noRedirect leaves a redirect to the SDK: a bucket of another region answers
// with one, and following it would sign for the wrong place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newRetryer is the SDK's standard one, which does not know the refusals that
// another request at the same moment causes.
func newRetryer(cfg Config) aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = cfg.Attempts, cfg.RetryMax
	})
	return retry.AddWithErrorCodes(standard, codeConflict, codeDirectory)
}

// load reads credentials and region the SDK's usual way.
func load(ctx context.Context, cfg Config) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	}
	if cfg.Credentials != nil {
		options = append(options, config.WithCredentialsProvider(cfg.Credentials))
	}
	base, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("s3: configuration: %w", err)
	}
	switch {
	case base.Region != "":
	case cfg.Endpoint != "":
		base.Region = "us-east-1" // what servers of other makers take, or ignore
	default:
		return aws.Config{}, errors.New("s3: no region: add region=… to the store URL, or set AWS_REGION")
	}
	return base, nil
}
