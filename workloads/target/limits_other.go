//go:build !linux

package target

import "errors"

var errLimits = errors.New("cpus= and memory= need Linux: leave them out")

func (l *limits) pinned(start func() error) error {
	if len(l.cpus) > 0 {
		return errLimits
	}
	return start()
}

func (l *limits) makeGroup() error {
	if l.memory > 0 {
		return errLimits
	}
	return nil
}

func (l *limits) enter(int) error { return nil }

func enterGroup(string, int) error { return nil }
func ownGroup() (string, error)    { return "", errLimits }

func (l *limits) peak() int64  { return 0 }
func (l *limits) removeGroup() {}
