package replay_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/cacheexp/trace"
)

// readAll reads a trace in steps of the given length.
func readAll(b []byte, format string, step int) ([]replay.Request, error) {
	src, err := replay.Decode(bytes.NewReader(b), format)
	if err != nil {
		return nil, err
	}
	var all []replay.Request
	dst := make([]replay.Request, step)
	for {
		n, err := src.Read(dst)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, dst[:n]...)
	}
}

// oracleRequest is one as the format has it.
func oracleRequest(seconds uint32, id uint64, size uint32, next int64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, seconds)
	b = binary.LittleEndian.AppendUint64(b, id)
	b = binary.LittleEndian.AppendUint32(b, size)
	return binary.LittleEndian.AppendUint64(b, uint64(next))
}

// recording is what a broker would have recorded of these accesses.
func recording(t testing.TB, as ...trace.Access) []byte {
	var b bytes.Buffer
	r := trace.NewRecorder(&b)
	for _, a := range as {
		r.Record(a)
	}
	require.NoError(t, r.Close())
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	for step := 1; step < 5; step++ {
		got, err := readAll([]byte("time,obj_id,obj_size\r\n7,18446744073709551615,4096\n8,0,0\n"), "csv", step)
		require.NoError(t, err)
		require.Equal(t, []replay.Request{
			{Access: trace.Access{Time: 7e9, Object: -1, Size: 4096}, Next: replay.Unknown},
			{Access: trace.Access{Time: 8e9}, Next: replay.Unknown},
		}, got)

		var b []byte
		b = append(b, oracleRequest(math.MaxUint32, math.MaxUint64, 10, 2)...)
		b = append(b, oracleRequest(3, 5, math.MaxInt32, -1)...)
		b = append(b, oracleRequest(3, math.MaxUint64, 10, math.MaxInt64)...)
		got, err = readAll(b, "oracleGeneral", step)
		require.NoError(t, err)
		require.Equal(t, []replay.Request{
			{Access: trace.Access{Time: math.MaxUint32 * 1e9, Object: -1, Size: 10}, Next: 2},
			{Access: trace.Access{Time: 3e9, Object: 5, Size: math.MaxInt32}, Next: replay.Never},
			{Access: trace.Access{Time: 3e9, Object: -1, Size: 10}, Next: replay.Never},
		}, got)

		hit := trace.Access{Kind: trace.Hit, Time: 1, Stream: 2, Reader: 3, Object: 4, Position: 5, Start: 6, End: 7, Size: 8}
		ahead, index, miss := hit, hit, hit
		ahead.Kind, index.Kind, miss.Kind = trace.Prefetch, trace.IndexMiss, trace.Miss
		got, err = readAll(recording(t, ahead, hit, index, miss), "tide", step)
		require.NoError(t, err)
		require.Equal(t, []replay.Request{{Access: hit, Next: replay.Unknown}, {Access: miss, Next: replay.Unknown}}, got)
	}
}

// TestDecodeRefuses: what is wrong is named, with its place; what comes before
// it has been read.
func TestDecodeRefuses(t *testing.T) {
	long := bytes.Repeat([]byte("1"), 300<<10)
	for _, c := range []struct {
		format, in, want string
		before           int
	}{
		{"xml", "", `format "xml": want tide, csv, oracleGeneral`, 0},
		{"csv", "", "line 1: want the header time,obj_id,obj_size", 0},
		{"csv", "1,2,3\n", "line 1: want the header", 0},
		{"csv", "time,obj_id,obj_size\n1,2,3\n1,2", `line 3: want time,obj_id,obj_size, found "1,2"`, 1},
		{"csv", "time,obj_id,obj_size\n1,2,3,4\n", `line 2: want a obj_size from 0 to 2147483647, found "3,4"`, 0},
		{"csv", "time,obj_id,obj_size\n1,2,\n", "want a obj_size", 0},
		{"csv", "time,obj_id,obj_size\n1,-2,3\n", `want a obj_id from 0 to 18446744073709551615, found "-2"`, 0},
		{"csv", "time,obj_id,obj_size\n1,18446744073709551616,3\n", "want a obj_id", 0},
		{"csv", "time,obj_id,obj_size\n1,2,2147483648\n", "want a obj_size", 0},
		{"csv", "time,obj_id,obj_size\n9223372037,2,3\n", "want a time in seconds from 0 to 9223372036", 0},
		{"csv", "time,obj_id,obj_size\n1,2,3\n\n1,2,3\n", "line 3: want time", 1},
		{"csv", "time,obj_id,obj_size\n" + string(long), "line 2: longer than", 0},
		{"oracleGeneral", string(oracleRequest(1, 1, 1, -1)) + "x", "position 24: want requests of 24 bytes, found 1 at the end", 1},
		{"oracleGeneral", string(oracleRequest(1, 1, math.MaxInt32+1, -1)), "position 0: want a size of less than 2 GiB", 0},
		{"tide", "TideTrc", "want a header of 16 bytes", 0},
		{"tide", string(recording(t, trace.Access{Kind: trace.Hit, Size: 1})[:16]) + string(make([]byte, 64)), "position 16: not a trace", 0},
	} {
		got, err := readAll([]byte(c.in), c.format, 8)
		require.ErrorContains(t, err, c.want, "%s: %.60q", c.format, c.in)
		require.Len(t, got, c.before)
	}
}

// TestOpen: a packed trace is the trace; errors name the file.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	plain := []byte("time,obj_id,obj_size\n1,2,3\n4,5,6\n")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(plain)
	require.NoError(t, errors.Join(err, z.Close()))
	read := func(b []byte) (n int, err error) {
		file := filepath.Join(dir, "trace")
		require.NoError(t, os.WriteFile(file, b, 0o600))
		f, err := replay.Trace{Path: file, Format: "csv"}.Open()
		if err != nil {
			require.ErrorContains(t, err, file)
			return 0, err
		}
		defer f.Close()
		if n, err = f.Read(make([]replay.Request, 9)); err != nil {
			require.ErrorContains(t, err, file)
		}
		return n, err
	}
	for _, b := range [][]byte{plain, packed.Bytes()} {
		n, err := read(b)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	}
	_, err = read(packed.Bytes()[:12])
	require.Error(t, err)
	_, err = read(packed.Bytes()[:5])
	require.Error(t, err)
	_, err = read(nil)
	require.ErrorContains(t, err, "line 1")
	_, err = replay.Trace{Path: filepath.Join(dir, "none"), Format: "csv"}.Open()
	require.ErrorIs(t, err, os.ErrNotExist)
}

// fuzz holds what any decoder must keep for any bytes: it ends, and what it
// yields is in range, however it is read.
func fuzz(f *testing.F, format string) {
	f.Fuzz(func(t *testing.T, b []byte) {
		one, errOne := readAll(b, format, 1)
		many, errMany := readAll(b, format, 7)
		require.Equal(t, one, many)
		require.Equal(t, fmt.Sprint(errOne), fmt.Sprint(errMany))
		for _, r := range one {
			require.False(t, r.Size < 0 || r.Position < 0, "%+v", r)
			require.True(t, r.Next == replay.Unknown || r.Next >= 0)
			require.True(t, format == "tide" || r.Time >= 0)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("time,obj_id,obj_size\n1,2,3\r\n18446744073709551615,1,1\n"))
	f.Add([]byte("time,obj_id,obj_size\n9223372036,18446744073709551615,2147483647"))
	fuzz(f, "csv")
}

func FuzzOracleGeneral(f *testing.F) {
	f.Add(append(oracleRequest(1, 2, 3, 4), oracleRequest(1, 2, 3, -4)...))
	fuzz(f, "oracleGeneral")
}

func FuzzTide(f *testing.F) {
	f.Add(recording(f, trace.Access{Kind: trace.Hit, Size: 1}, trace.Access{Kind: trace.Prefetch, Size: 1}))
	fuzz(f, "tide")
}
