package dir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

// TestBuffered: without O_DIRECT the same bytes come out of the same pieces.
func TestBuffered(t *testing.T) {
	w := newWriter(Config{PieceSize: 8192}.withDefaults())
	w.buffered.Store(true)
	for _, size := range []int{0, 1, 8192, 8193, 50000} {
		path := filepath.Join(t.TempDir(), "x")
		all := storetest.Content(size, 1)
		require.NoError(t, w.WriteFile(t.Context(), path, objstore.Body{all[:size/3], all[size/3:]}))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(all), string(got))
	}
	require.NoError(t, w.close())
	require.ErrorIs(t, w.WriteFile(t.Context(), filepath.Join(t.TempDir(), "x"), nil), objstore.ErrClosed)
}

// TestNeverOver: no file is written over.
func TestNeverOver(t *testing.T) {
	w := newWriter(Config{}.withDefaults())
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o666))
	require.ErrorIs(t, w.WriteFile(t.Context(), path, objstore.Body{[]byte("new")}), os.ErrExist)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
	require.NoError(t, w.close())
}
