package align

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestArithmetic(t *testing.T) {
	require.Equal(t, 8192, Up(4097, 4096))
	require.Equal(t, int64(4096), Up(int64(4096), 4096))
	require.Equal(t, int64(0), Down(int64(4095), 4096))
	require.True(t, Is(8192, 4096))
	require.False(t, Is(8191, 4096))
}

func TestMemory(t *testing.T) {
	outer := make([]byte, 4*4096)
	from := 0
	for !Memory(outer[from:], 4096) {
		from++
	}
	require.Less(t, from, 4096)
	require.False(t, Memory(outer[from+1:], 4096))
	require.True(t, Memory(nil, 4096))

	require.True(t, Within(outer[1:5], outer))
	require.True(t, Within(outer, outer))
	require.True(t, Within(nil, outer))
	require.False(t, Within(outer[0:5], outer[1:]))
	require.False(t, Within(outer[4:6], outer[:5]))
	require.False(t, Within(make([]byte, 1), outer))
}
