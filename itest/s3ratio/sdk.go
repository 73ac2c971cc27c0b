package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// bucket is the SDK's client with a pool of connections, and nothing else of
// ours: no deadline, no checksum, no counting.
type bucket struct {
	client *awss3.Client
	spec   objstore.Spec
}

// openBucket takes the credentials from the environment.
func openBucket(spec objstore.Spec, places int) *bucket {
	tr := &http.Transport{MaxConnsPerHost: places, MaxIdleConnsPerHost: places, DisableCompression: true}
	return &bucket{spec: spec, client: awss3.New(awss3.Options{
		BaseEndpoint: &spec.Endpoint, Region: "us-east-1", UsePathStyle: spec.PathStyle, HTTPClient: &http.Client{Transport: tr},
		Credentials:                credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})}
}

// List is part of store.
func (b *bucket) List(ctx context.Context) ([]stored, error) {
	var out []stored
	pages := awss3.NewListObjectsV2Paginator(b.client, &awss3.ListObjectsV2Input{Bucket: &b.spec.Bucket, Prefix: aws.String(b.spec.Prefix + "/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			if id, ok := object.KeyID(strings.TrimPrefix(*o.Key, b.spec.Prefix+"/")); ok {
				out = append(out, stored{key: *o.Key, id: id, size: *o.Size})
			}
		}
	}
	return out, nil
}

// Get is part of store.
func (b *bucket) Get(ctx context.Context, key string, pos int64, p []byte) error {
	out, err := b.client.GetObject(ctx, &awss3.GetObjectInput{
		Bucket: &b.spec.Bucket, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", pos, pos+int64(len(p))-1)),
	})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	if _, err := io.ReadFull(out.Body, p); err != nil {
		return fmt.Errorf("%s from %d: %w", key, pos, err)
	}
	return nil
}
