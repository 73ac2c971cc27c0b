package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/tidelog/tide/internal/units"
)

// refuseZeros refuses each number that is given as 0 where 0 would be taken for a
// flag left out, and so for its default: who says --block-cache 0 wants none. Flags
// with a default of their own, and those that are excepted, may be 0.
func refuseZeros(kctx *kong.Context, except ...string) error {
	var faults []error
	for _, f := range kctx.Flags() {
		if f.Set && !f.HasDefault && isZeroNumber(f.Target) && !slices.Contains(except, f.Name) {
			faults = append(faults, fmt.Errorf("--%s is 0, want more; left out, it is the default", f.Name))
		}
	}
	return errors.Join(faults...)
}

func isZeroNumber(v reflect.Value) bool {
	_, rate := v.Interface().(units.Rate)
	return (rate || v.CanInt() || v.CanUint() || v.CanFloat()) && v.IsZero()
}

// Validate is called by kong. A store-rate of 0 is no bound.
func (c *brokerCmd) Validate(kctx *kong.Context) error { return refuseZeros(kctx, "store-rate") }

// Validate is called by kong.
func (c *iopathBenchCmd) Validate(kctx *kong.Context) error { return refuseZeros(kctx) }

// Validate is called by kong. A rate of 0 is a closed loop, the default.
func (c *walBenchCmd) Validate(kctx *kong.Context) error { return refuseZeros(kctx, "rate") }
