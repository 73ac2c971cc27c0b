package arena

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestMap(t *testing.T) {
	b, err := Map(3*4096 + 1)
	require.NoError(t, err)
	require.Len(t, b, 3*4096+1)
	require.Zero(t, uintptr(unsafe.Pointer(&b[0]))%4096)
	for i := range b {
		require.Zero(t, b[i])
		b[i] = byte(i)
	}
	require.NoError(t, Unmap(b))
	require.NoError(t, Unmap(nil))
}

func TestMapRefuses(t *testing.T) {
	for _, size := range []int{0, -1} {
		_, err := Map(size)
		require.ErrorContains(t, err, "want at least one")
	}
	_, err := Map(1 << 60)
	require.ErrorContains(t, err, "mmap")
}

func TestUnmapRefusesPart(t *testing.T) {
	b, err := Map(2 * 4096)
	require.NoError(t, err)
	require.Error(t, Unmap(b[:4096]))
	require.NoError(t, Unmap(b))
}
