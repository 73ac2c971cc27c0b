package units

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "17B": 17, "4KiB": 4096, "1.5KiB": 1536, " 2 GiB ": 2 << 30,
		"512MiB": 512 << 20, "1TiB": 1 << 40, "9223372036854775807": math.MaxInt64,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "KiB", "-1", "-4KiB", "4KB", "4k", "1e3", "0x10", "Inf", "NaN", "1.0001KiB", "1.", ".5KiB",
		"9223372036854775808", "8388608TiB", "4KiBKiB", "1,5KiB",
	} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
		require.Contains(t, err.Error(), "size")
	}
}

func TestSizeRoundTrip(t *testing.T) {
	require.Equal(t, "256KiB", Size(256<<10))
	require.Equal(t, "262145B", Size(262145))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "n")
		text, err := Bytes(n).MarshalText()
		require.NoError(t, err)
		var back Bytes
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, Bytes(n), back)
	})
}

func TestParseDuration(t *testing.T) {
	d, err := ParseDuration("250ms")
	require.NoError(t, err)
	require.Equal(t, 250*time.Millisecond, d)
	for _, text := range []string{"", "5", "-1s", "soon"} {
		_, err := ParseDuration(text)
		require.ErrorContains(t, err, "250ms", text)
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"0": {}, "5000/s": {PerSecond: 5000}, "20MiB/s": {PerSecond: 20 << 20, IsBytes: true},
	} {
		got, err := ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		var back Rate
		require.NoError(t, back.UnmarshalText([]byte(got.String())))
		require.Equal(t, want, back)
	}
	for _, text := range []string{"", "20MiB", "5000", "/s", "-1/s", "20MB/s"} {
		_, err := ParseRate(text)
		require.ErrorContains(t, err, "rate", text)
	}
}
