package uring

import (
	"errors"
	"fmt"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Open opens, or creates, a file or block device. It wraps
// iopath.ErrUnsupported, with cause and remedy, where io_uring or what is asked
// of it is missing; see iopath.OpenDevice for what else it refuses. Nothing
// falls back to anything: a result is to be of the mode that it names.
func Open(cfg Config) (iopath.Path, error) {
	c := cfg.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	if c.Mode == iopath.ModeOwner {
		return openOwner(c)
	}
	parts, err := openParts(c)
	if err != nil {
		return nil, err
	}
	return &path{
		Ledger: iopath.NewLedger(parts.device.Name(), parts.device.Geometry(c.OpenOptions), parts.memory),
		device: parts.device, ring: parts.ring, steps: newSteps(c, parts.device, parts.memory),
	}, nil
}

func (c Config) validate() error {
	faults := []error{c.Validate()}
	if c.Mode != iopath.ModeLeader && c.Mode != iopath.ModeOwner {
		faults = append(faults, fmt.Errorf("ring mode %q: want leader or owner", c.Mode))
	}
	if c.Ring != iopath.RingOwn && c.Ring != iopath.RingGiouring {
		faults = append(faults, fmt.Errorf("ring %q: want own or giouring", c.Ring))
	}
	if c.SQPoll && c.Mode == iopath.ModeOwner {
		faults = append(faults, errors.New("sqpoll and mode=owner: want one of the two"))
	}
	if c.Buffered {
		faults = append(faults, errors.New("buffered writes through io_uring are not one of the ways: use fsync"))
	}
	return errors.Join(faults...)
}

// parts are what a path is made of.
type parts struct {
	ring   queue
	device *iopath.Device
	memory []byte
}

// openParts opens all, or nothing. The ring comes first: to fill a file and
// then find that there is no io_uring would waste minutes.
func openParts(c Config) (p parts, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	named := func(err error) error { return fmt.Errorf("%s: %w", c.File, err) }
	if p.ring, err = openRing(setupOf(c), c.Ring); err != nil {
		return p, named(err)
	}
	if p.memory, err = arena.Map(c.ArenaSize); err != nil {
		return p, named(err)
	}
	if p.device, err = iopath.OpenDevice(c.OpenOptions); err != nil {
		return p, err // has the name
	}
	if c.Fixed {
		if err = register(p.ring.descriptor(), p.memory, p.device.Fd()); err != nil {
			return p, named(err)
		}
	}
	return p, nil
}

func (p parts) close() error {
	var faults []error
	if p.ring != nil {
		faults = append(faults, p.ring.close())
	}
	if p.device != nil {
		faults = append(faults, p.device.Close())
	}
	return errors.Join(append(faults, arena.Unmap(p.memory))...)
}

// openRing makes a ring of either kind and tries it.
func openRing(s setup, kind string) (queue, error) {
	open := openOwn
	if kind == iopath.RingGiouring {
		open = openGiouring
	}
	r, err := open(s)
	if err != nil {
		return nil, err
	}
	if err := probe(r.descriptor(), s); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}
