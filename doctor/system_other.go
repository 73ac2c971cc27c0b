//go:build !linux

package doctor

import (
	"errors"
	"os"
)

// setPlatform: what is measured here needs Linux, and each check says so.
func (s *System) setPlatform() {
	s.Place = func(path string) (Place, error) {
		info, err := os.Stat(path)
		if err != nil {
			return Place{}, errors.Unwrap(err)
		}
		if info.IsDir() {
			return Place{Path: path, Kind: Directory}, nil
		}
		return Place{Path: path, Kind: RegularFile}, nil
	}
	s.Direct = func(Place) (Alignment, error) { return Alignment{}, errors.ErrUnsupported }
	s.Clock = func() (ClockState, error) { return ClockState{}, errors.ErrUnsupported }
	s.FileLimit = func() (soft, hard uint64, err error) { return 0, 0, errors.ErrUnsupported }
	s.Reservations = func(Place) (Reservations, error) { return Reservations{}, errors.ErrUnsupported }
}
