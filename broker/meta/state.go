package meta

// State is the rules over an Image: it turns commands into results and changes.
// It is a function of the commands applied and of nothing else. Not safe for
// concurrent use.
type State struct {
	im *Image
}

// NewState continues from im, which it owns from then on.
func NewState(im *Image) *State { return &State{im: im} }

// Image is the state's own: to be read only, and not beyond the next Apply.
func (s *State) Image() *Image { return s.im }

// Apply executes the command at index, which is larger than any before. A
// refused command leaves the facts alone but takes its index, as it does in the
// log. The changes are applied already; they are for those who follow.
func (s *State) Apply(index uint64, cmd Command) (Result, []Change, error) {
	s.im.advance(index)
	if err := authorize(s.im, cmd); err != nil {
		return Result{Index: index}, nil, err
	}
	res, changes, err := cmd.execute(s.im)
	if err != nil {
		return Result{Index: index}, nil, err
	}
	for _, c := range changes {
		s.im.Apply(c)
	}
	res.Index = index
	return res, changes, nil
}

// authorize is rule 9: only the newest registration of a node speaks for it.
func authorize(im *Image, cmd Command) error {
	id, epoch, mandatory := cmd.caller()
	if epoch == 0 && !mandatory {
		return nil
	}
	n, ok := im.nodes[id]
	if !ok {
		return refuse(ErrUnknownNode, "node %d", id)
	}
	if n.Epoch != epoch {
		return refuse(ErrFencedEpoch, "node %d sent epoch %d, its newest is %d", id, epoch, n.Epoch)
	}
	return nil
}
