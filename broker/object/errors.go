package object

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by every error that says "these bytes are not an
// object". errors.As with *CorruptError gives the place.
var ErrCorrupt = errors.New("corrupt object")

// UnknownObject stands in CorruptError.Object where the decoder was not told
// which object the bytes come from.
const UnknownObject int64 = -1

// CorruptError says where the bytes broke the format and what should have
// stood there.
type CorruptError struct {
	Object   int64  // object id, or UnknownObject
	Position int64  // byte position in the object (in the input where the object is unknown)
	Want     string // what was expected and what was found
}

// Error names the object, the position and the expectation in one line.
func (e *CorruptError) Error() string {
	if e.Object == UnknownObject {
		return fmt.Sprintf("%v: position %d: want %s", ErrCorrupt, e.Position, e.Want)
	}
	return fmt.Sprintf("%v: object %d, position %d: want %s", ErrCorrupt, e.Object, e.Position, e.Want)
}

// Unwrap makes errors.Is(err, ErrCorrupt) hold.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

func corrupt(object, position int64, want string, args ...any) error {
	return &CorruptError{Object: object, Position: position, Want: fmt.Sprintf(want, args...)}
}
