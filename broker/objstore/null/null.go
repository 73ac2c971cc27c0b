// Package null is a store that discards what is put and finds nothing: it
// shows what the broker does without the cost of storing. Results made with it
// are labelled "not stored".
package null

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/broker/objstore"
)

// Store is an objstore.Store that keeps nothing.
type Store struct{}

// New returns the store.
func New() Store { return Store{} }

// Put checks the key and discards the object.
func (Store) Put(ctx context.Context, key string, body objstore.Body) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	if err := objstore.PaceAll(ctx, body.Size()); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// GetRange finds nothing.
func (Store) GetRange(ctx context.Context, key string, _ int64, _ []byte) error {
	return missing(ctx, key)
}

// Head finds nothing.
func (Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	return objstore.Info{}, missing(ctx, key)
}

func missing(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	return fmt.Errorf("%s: the store is null: %w", key, objstore.ErrNotFound)
}

// List calls fn for nothing.
func (Store) List(ctx context.Context, _ string, _ func(objstore.Info) error) error {
	return ctx.Err()
}

// Delete has nothing to do.
func (Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return objstore.CheckKey(key)
}

// Close has nothing to do.
func (Store) Close() error { return nil }
