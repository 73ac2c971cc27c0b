package load

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadingOfAnotherProcess: what it saw is held against the ledger here.
func TestReadingOfAnotherProcess(t *testing.T) {
	s := newScript(t, 9, 1)
	s.read(0, 0, 1, 4, 8)
	s.ledger.fail(0, 0, 2) // may be missing; 3, 5, 6 and 7 may not
	text, err := json.Marshal(s.v.reading())
	require.NoError(t, err)
	var r Reading
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, []Gap{{0, 0, 2, 4}, {0, 0, 5, 8}}, r.Gaps)
	out := r.judge(s.ledger)
	require.Equal(t, int64(4), out.Lost)
	require.Equal(t, int64(8), out.Expected)
	require.Len(t, out.Samples, 4)
	require.False(t, out.OK())
}

func TestPace(t *testing.T) {
	var r Readers
	_, held := r.pace.due(5e9, 1000)
	require.False(t, held, "as fast as it goes")
	r.Pace(2 << 20)
	_, held = r.pace.due(0, 0)
	require.False(t, held, "nothing was read yet")
	at, held := r.pace.due(5e9, 20<<30)
	require.True(t, held)
	require.Equal(t, int64(5e9+10_240e9), at)
}
