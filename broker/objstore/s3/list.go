package s3

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidelog/tide/broker/objstore"
)

// List walks the objects page by page, 1,000 to a request.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list %q: %w", prefix, err)
	}
	if !s.calls.Begin() {
		return fmt.Errorf("list %q: %w", prefix, objstore.ErrClosed)
	}
	defer s.calls.End()
	if s.directory() {
		return s.listUnordered(ctx, prefix, fn)
	}
	return s.pages(ctx, prefix, fn)
}

func (s *Store) pages(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &s.cfg.Bucket}
	root := ""
	if s.cfg.Prefix != "" {
		root = s.cfg.Prefix + "/"
	}
	if root+prefix != "" {
		in.Prefix = aws.String(root + prefix)
	}
	for {
		var page *s3.ListObjectsV2Output
		err := s.call(ctx, opList, func(ctx context.Context, _ *call) (err error) {
			page, err = s.reads.client.ListObjectsV2(ctx, in)
			return err
		})
		if err != nil {
			return explain("list", prefix, err)
		}
		for _, o := range page.Contents {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("list %q: %w", prefix, err)
			}
			info := objstore.Info{Key: strings.TrimPrefix(aws.ToString(o.Key), root), Size: aws.ToInt64(o.Size)}
			if err := fn(info); err != nil {
				return err
			}
		}
		if !aws.ToBool(page.IsTruncated) || page.NextContinuationToken == nil {
			return nil
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

// listUnordered is for directory buckets: it lists the path element that the
// prefix ends in, holds what matches, and sorts.
func (s *Store) listUnordered(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	var all []objstore.Info
	err := s.pages(ctx, prefix[:strings.LastIndexByte(prefix, '/')+1], func(i objstore.Info) error {
		if strings.HasPrefix(i.Key, prefix) {
			all = append(all, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b objstore.Info) int { return cmp.Compare(a.Key, b.Key) })
	for _, i := range all {
		if err := fn(i); err != nil {
			return err
		}
	}
	return nil
}
