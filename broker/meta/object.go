package meta

import (
	"maps"
	"slices"
)

func (c PrepareObjects) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, true }

func (c PrepareObjects) execute(im *Image) (Result, []Change, error) {
	if c.Count < 1 || c.Count > MaxPrepare {
		return Result{}, nil, refuse(ErrInvalid, "%d objects, want 1 to %d", c.Count, MaxPrepare)
	}
	next := im.next
	first := next.ObjectID
	changes := make([]Change, 0, c.Count+1)
	for range c.Count {
		changes = append(changes, ObjectChanged{Object{
			ID: next.ObjectID, State: Prepared, Node: c.NodeID, PreparedUntil: c.Until,
		}})
		next.ObjectID++
	}
	return Result{FirstObjectID: first}, append(changes, CountersChanged{next}), nil
}

func (c ExpireObjects) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, false }

func (c ExpireObjects) execute(im *Image) (Result, []Change, error) {
	var changes []Change
	var destroyed []int64
	for _, o := range im.Objects(Prepared) {
		if o.PreparedUntil >= c.Before {
			continue
		}
		o.State = Destroyed
		changes = append(changes, ObjectChanged{o})
		destroyed = append(destroyed, o.ID)
	}
	return Result{DestroyedObjects: destroyed}, changes, nil
}

func (c ForgetObjects) caller() (int32, int64, bool) { return c.NodeID, c.NodeEpoch, false }

func (c ForgetObjects) execute(im *Image) (Result, []Change, error) {
	var changes []Change
	for _, id := range c.IDs {
		o, ok := im.objects[id]
		if !ok {
			continue
		}
		if o.State != Destroyed {
			return Result{}, nil, refuse(ErrObjectLive, "object %d is %s", id, o.State)
		}
		changes = append(changes, ObjectForgotten{id})
	}
	return Result{}, changes, nil
}

// release takes the references of dead ranges off their objects. An object
// that loses its last one is destroyed.
func release(im *Image, dead []Range) (changes []Change, destroyed []int64) {
	lost := map[int64]int{}
	for _, r := range dead {
		lost[r.ObjectID]++
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		o := *im.objects[id]
		o.LiveRanges -= lost[id]
		if o.LiveRanges == 0 {
			o.State = Destroyed
			destroyed = append(destroyed, id)
		}
		changes = append(changes, ObjectChanged{o})
	}
	return changes, destroyed
}
