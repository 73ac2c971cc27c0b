package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// abortWithin bounds the abort of an upload, beside the caller's own end.
const abortWithin = 5 * time.Second

// abandon aborts an upload that failed, also when ctx has ended. What cannot
// be aborted now is a leftover.
func (s *Store) abandon(ctx context.Context, key string, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
	defer cancel()
	if err := s.abort(ctx, key, id); err != nil {
		s.cfg.Logger.Warn("parts of a failed upload stay in the bucket until they are swept", "key", key, "error", err)
	}
}

// abort ends an upload by its full key. One that is gone is as good.
func (s *Store) abort(ctx context.Context, key string, id *string) error {
	err := s.call(ctx, opAbort, func(ctx context.Context, _ *call) error {
		_, err := s.writes.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.cfg.Bucket, Key: &key, UploadId: id})
		return err
	})
	if status(err) == 404 {
		return nil
	}
	return err
}

// Leftover is an upload that was begun and neither completed nor aborted:
// somebody is at it, or crashed. Its parts are paid for.
type Leftover struct {
	Key   string // in the bucket, with the store's prefix
	ID    string
	Begun time.Time
}

// Leftovers lists the uploads under the prefix that were begun before a time.
func (s *Store) Leftovers(ctx context.Context, before time.Time) ([]Leftover, error) {
	if !s.calls.Begin() {
		return nil, errClosed
	}
	defer s.calls.End()
	var out []Leftover
	in := &s3.ListMultipartUploadsInput{Bucket: &s.cfg.Bucket}
	if s.cfg.Prefix != "" {
		in.Prefix = aws.String(s.cfg.Prefix + "/")
	}
	for {
		var page *s3.ListMultipartUploadsOutput
		err := s.call(ctx, opList, func(ctx context.Context, _ *call) (err error) {
			page, err = s.reads.client.ListMultipartUploads(ctx, in)
			return err
		})
		if err != nil {
			return nil, explain("list uploads", s.cfg.Bucket, err)
		}
		for _, u := range page.Uploads {
			if begun := aws.ToTime(u.Initiated); begun.Before(before) {
				out = append(out, Leftover{aws.ToString(u.Key), aws.ToString(u.UploadId), begun})
			}
		}
		if !aws.ToBool(page.IsTruncated) || page.NextKeyMarker == nil {
			return out, nil
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}

// Sweep aborts the uploads under the prefix that were begun before a time, and
// says how many. The time must be longer ago than any upload takes, as other
// brokers share the prefix.
func (s *Store) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	left, err := s.Leftovers(ctx, before)
	if err != nil {
		return 0, err
	}
	if !s.calls.Begin() {
		return 0, errClosed
	}
	defer s.calls.End()
	var errs []error
	for _, l := range left {
		if err := s.abort(ctx, l.Key, &l.ID); err != nil {
			errs = append(errs, fmt.Errorf("abort the upload of %s: %w", l.Key, err))
			continue
		}
		swept++
	}
	return swept, errors.Join(errs...)
}
