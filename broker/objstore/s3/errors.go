package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/tidelog/tide/broker/objstore"
)

// Refusals that are over when the request they met is.
const (
	// codeConflict: two requests create one key at the same moment.
	codeConflict = "ConditionalRequestConflict"
	// codeDirectory: a server that keeps objects as files removes the last
	// object of a directory while another is put into it (versitygw, its
	// issue 1988). No key of ours is the directory of another.
	codeDirectory = "ExistingObjectIsDirectory"
)

var errClosed = fmt.Errorf("s3: %w", objstore.ErrClosed)

// status is the HTTP status of an answer that was an error, or 0.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// code is S3's name of the error, or empty.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// explain wraps an error with the operation, the key, and what the broker
// decides by.
func explain(what, key string, err error) error {
	if err == nil {
		return nil
	}
	kind := kindOf(err)
	if kind == nil || errors.Is(err, kind) {
		return fmt.Errorf("s3: %s %s: %w", what, key, err)
	}
	return fmt.Errorf("s3: %s %s: %w: %w", what, key, kind, err)
}

func kindOf(err error) error {
	switch {
	case code(err) == "NoSuchBucket":
		return objstore.ErrRefused
	case throttled(err):
		return objstore.ErrThrottled
	}
	switch status(err) {
	case http.StatusNotFound:
		return objstore.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMovedPermanently:
		return objstore.ErrRefused
	}
	return nil
}

// Reach asks whether the bucket is there and takes our credentials. An error
// that is objstore.ErrRefused says what to change; any other may pass.
func (s *Store) Reach(ctx context.Context) error {
	if !s.calls.Begin() {
		return errClosed
	}
	defer s.calls.End()
	if _, err := s.creds.Retrieve(ctx); err != nil {
		return fmt.Errorf("s3: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), "+
			"or give the instance a role: %w: %w", objstore.ErrRefused, err)
	}
	err := s.call(ctx, opHead, func(ctx context.Context, _ *call) error {
		_, err := s.reads.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.cfg.Bucket})
		return err
	})
	return s.adviseOn(err)
}

// adviseOn says what to change. HEAD has no body, so the status is all there is.
func (s *Store) adviseOn(err error) error {
	advice := map[int]string{
		http.StatusNotFound:         "there is no such bucket: create it, or correct the store URL",
		http.StatusForbidden:        "the server refuses the credentials: they need s3:ListBucket, GetObject, PutObject, DeleteObject and AbortMultipartUpload",
		http.StatusUnauthorized:     "the server wants other credentials",
		http.StatusMovedPermanently: "the bucket is in another region: correct region= in the store URL",
		http.StatusBadRequest:       "the server does not take the request: check endpoint, region and path_style in the store URL",
	}[status(err)]
	if err == nil || advice == "" {
		return explain("reach bucket", s.cfg.Bucket, err)
	}
	return fmt.Errorf("s3: bucket %s: %s: %w: %w", s.cfg.Bucket, advice, objstore.ErrRefused, err)
}
