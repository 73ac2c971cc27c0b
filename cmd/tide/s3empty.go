package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/s3"
	"github.com/tidelog/tide/workloads/matrix"
)

func init() {
	registerHidden("s3-empty", "Delete all below a prefix of a bucket, for tide matrix.", &s3EmptyCmd{})
}

// s3EmptyCmd is `tide s3-empty`: what a trial has put is removed at its end.
type s3EmptyCmd struct {
	URL string `arg:"" name:"url" help:"s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true. The prefix ends in the name of a trial: nothing else is ever emptied." placeholder:"URL"`
}

// deletesAtOnce is how many objects are deleted at the same time.
const deletesAtOnce = 16

// Run prints how many objects there were.
func (c *s3EmptyCmd) Run(ctx context.Context, std *stdio) error {
	if spec, err := objstore.ParseURL(c.URL); err == nil && !matrix.IsTrialPrefix(spec.Prefix) {
		return usageError{fmt.Errorf("%s: want s3://BUCKET/…/trial-CELL-REPEAT-TIME, the prefix of a trial: nothing else is emptied", c.URL)}
	}
	store, err := openS3(ctx, c.URL)
	if err != nil {
		return err
	}
	var deleted atomic.Int64
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(deletesAtOnce)
	err = store.List(groupCtx, "", func(i objstore.Info) error {
		group.Go(func() error {
			deleted.Add(1)
			return store.Delete(groupCtx, i.Key)
		})
		return nil
	})
	err = errors.Join(group.Wait(), err)
	aborted, errSweep := store.Sweep(ctx, time.Now().Add(time.Hour)) // all: their broker has ended
	if err := errors.Join(err, errSweep, store.Close()); err != nil {
		return err
	}
	return json.NewEncoder(std.out).Encode(map[string]int64{"deleted": deleted.Load(), "aborted": int64(aborted)})
}

// openS3 opens a bucket, or a prefix of it.
func openS3(ctx context.Context, url string) (*s3.Store, error) {
	spec, err := objstore.ParseURL(url)
	if err == nil && spec.Scheme != objstore.SchemeS3 {
		err = fmt.Errorf("store %s: want s3://BUCKET/PREFIX", url)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return s3.Open(ctx, s3.Config{
		Bucket: spec.Bucket, Prefix: spec.Prefix, Endpoint: spec.Endpoint, Region: spec.Region, PathStyle: spec.PathStyle, Deadline: spec.Deadline,
	})
}
