package iotest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

// doneInReap has no lock around inReap: were Done run on another goroutine,
// the race detector would say so, and outside of Reap the value would.
func (s *suite) doneInReap(t *testing.T) {
	p := s.fresh(t)
	inReap, done := false, 0
	var ws []*iopath.Write
	for i := range s.depth {
		w := Write(p, i, i, 1, 1, nil)
		w.Done = func(got *iopath.Write) {
			require.True(t, inReap)
			require.Same(t, w, got)
			done++
		}
		ws = append(ws, w)
	}
	require.NoError(t, p.Submit(ws))
	require.Zero(t, done, "Submit never runs Done")
	reaped := 0
	for reaped < s.depth {
		inReap = true
		n, err := p.Reap(s.depth - reaped)
		inReap = false
		require.NoError(t, err)
		reaped += n
		require.Equal(t, done, reaped, "Reap returns how many were done")
	}
	n, err := p.Reap(0)
	require.NoError(t, err)
	require.Zero(t, n, "nothing is left")
}

// doneSubmits keeps the path busy from within Done, as a WAL does that has
// the next block ready.
func (s *suite) doneSubmits(t *testing.T) {
	p := s.fresh(t)
	left, done := 20, 0
	w := Write(p, 0, 3, 1, 9, nil)
	w.Done = func(w *iopath.Write) {
		done++
		if left--; left > 0 {
			require.NoError(t, p.Submit([]*iopath.Write{w}))
		}
	}
	require.NoError(t, p.Submit([]*iopath.Write{w}))
	for done < 20 {
		_, err := p.Reap(1)
		require.NoError(t, err)
	}
}

func (s *suite) depthBound(t *testing.T) {
	p := s.fresh(t)
	done := 0
	var ws []*iopath.Write
	for i := range s.depth + 1 {
		ws = append(ws, Write(p, i, i, 1, 5, &done))
	}
	require.ErrorIs(t, p.Submit(ws), iopath.ErrDepth)
	n, err := p.Reap(0)
	require.NoError(t, err)
	require.Zero(t, n, "a Submit that failed has started nothing")
	require.Equal(t, make([]byte, block), Read(t, p, 0, 1))

	require.NoError(t, p.Submit(ws[:s.depth]))
	require.ErrorIs(t, p.Submit(ws[s.depth:]), iopath.ErrDepth)
	for done < s.depth {
		_, err := p.Reap(1)
		require.NoError(t, err)
	}
	require.NoError(t, p.Submit(ws[s.depth:]), "what was reaped made room")
	for done < s.depth+1 {
		_, err := p.Reap(1)
		require.NoError(t, err)
	}
	require.NoError(t, p.Submit(nil))
}

// wake checks both orders. No test can tell whether a goroutine blocks already
// or will in a moment; the promise holds for both, so it need not.
func (s *suite) wake(t *testing.T) {
	p := s.fresh(t)
	p.Wake()
	p.Wake()
	n, err := p.Reap(1)
	require.NoError(t, err)
	require.Zero(t, n)
	for range 50 {
		returned := make(chan error)
		go func() {
			_, err := p.Reap(1)
			returned <- err
		}()
		p.Wake()
		require.NoError(t, <-returned)
	}
	require.NoError(t, Do(t, p, Write(p, 0, 0, 1, 1, nil)), "the path still works")
}

// submitEndsWait has the reaper there before there is anything to reap.
func (s *suite) submitEndsWait(t *testing.T) {
	p := s.fresh(t)
	for i := range 20 {
		done := 0
		returned := make(chan struct{})
		go func() {
			defer close(returned)
			for done == 0 {
				if _, err := p.Reap(1); err != nil {
					return
				}
			}
		}()
		// done is the reaper's from here to the end of it.
		require.NoError(t, p.Submit([]*iopath.Write{Write(p, 0, i, 1, byte(i), &done)}))
		<-returned
		require.Equal(t, 1, done)
	}
}

// concurrent has submitters, a reaper and readers at the same time. Each
// submitter has a write of its own and waits for it, so the depth holds.
func (s *suite) concurrent(t *testing.T) {
	const rounds = 30
	p := s.fresh(t)
	var submitters, others sync.WaitGroup
	stop := make(chan struct{})
	for i := range s.depth {
		submitters.Go(func() { submitMany(t, p, i, rounds) })
	}
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, err := p.Reap(1)
				require.NoError(t, err)
			}
		}
	})
	for i := range 2 {
		others.Go(func() {
			b := p.Arena()[(60+i)*block : (61+i)*block]
			for range rounds {
				_, err := p.ReadAt(b, int64(200+i)*block) // nobody writes there
				require.NoError(t, err)
			}
		})
	}
	submitters.Wait()
	close(stop)
	p.Wake()
	others.Wait()
	for i := range s.depth {
		require.Equal(t, byte(rounds-1), Read(t, p, i, 1)[block-1])
	}
}

func submitMany(t *testing.T, p iopath.Path, i, rounds int) {
	ended := make(chan error, 1)
	for round := range rounds {
		w := Write(p, i, i, 1, byte(round), nil)
		w.Done = func(w *iopath.Write) { ended <- w.Err }
		require.NoError(t, p.Submit([]*iopath.Write{w}))
		require.NoError(t, <-ended)
	}
}
