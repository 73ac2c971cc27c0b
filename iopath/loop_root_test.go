//go:build linux && root

package iopath_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/fsync"
	"github.com/tidelog/tide/iopath/iotest"
	"github.com/tidelog/tide/iopath/pwrite"
	"github.com/tidelog/tide/iopath/uring"
)

// The tests of this file need raw block devices, which they make of files with
// losetup and direct I/O. They run as root, behind a build tag, and fail where
// they cannot run, for a test that is skipped judges nothing:
//
//	go test -tags root -run TestLoop ./iopath/

// loop makes a block device of size bytes that goes away with the test.
func loop(t testing.TB, size int64) string {
	require.Zero(t, os.Getuid(), "run as root: losetup makes block devices")
	backing := filepath.Join(t.TempDir(), "backing")
	require.NoError(t, os.WriteFile(backing, make([]byte, size), 0o600))
	device := strings.TrimSpace(command(t, "losetup", "--find", "--show", "--direct-io=on", "--sector-size=4096", backing))
	t.Cleanup(func() { command(t, "losetup", "--detach", device) })
	return device
}

func command(t testing.TB, name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

// opener is a way of opening a device.
type opener func(o iopath.OpenOptions) (iopath.Path, error)

// openers are the ways that take a raw device, with each durability.
func openers() map[string]opener {
	ring := func(c uring.Config) opener {
		return func(o iopath.OpenOptions) (iopath.Path, error) {
			c.OpenOptions = o
			return uring.Open(c)
		}
	}
	return map[string]opener{
		"pwrite":      func(o iopath.OpenOptions) (iopath.Path, error) { return pwrite.Open(pwrite.Config{OpenOptions: o}) },
		"uring":       ring(uring.Config{}),
		"uring/owner": ring(uring.Config{Mode: iopath.ModeOwner}),
		"uring/fixed": ring(uring.Config{Fixed: true}),
		"fsync":       func(o iopath.OpenOptions) (iopath.Path, error) { return fsync.Open(fsync.Config{OpenOptions: o}) },
	}
}

// TestLoopSuite runs the acceptance suite on raw devices. The suite's directory
// stands for a device: the same one again, the same data.
func TestLoopSuite(t *testing.T) {
	for name, open := range openers() {
		t.Run(name, func(t *testing.T) {
			devices := map[string]string{}
			iotest.Run(t, func(t testing.TB, cfg iotest.Config) iopath.Path {
				if devices[cfg.Dir] == "" {
					devices[cfg.Dir] = loop(t, cfg.Capacity)
				}
				p, err := open(iopath.OpenOptions{File: devices[cfg.Dir], ArenaSize: cfg.ArenaSize, Depth: cfg.Depth})
				require.NoError(t, err)
				return p
			})
		})
	}
}

// TestLoopDurabilities: each of them opens a raw device, direct too, and none
// changes what is written.
func TestLoopDurabilities(t *testing.T) {
	device := loop(t, 1<<20)
	pos := 0
	for _, name := range []string{"pwrite", "uring", "uring/owner"} {
		for _, d := range []iopath.Durability{iopath.Dsync, iopath.Direct, iopath.Fdatasync, iopath.None} {
			p, err := openers()[name](iopath.OpenOptions{File: device, ArenaSize: 1 << 20, Durability: d})
			require.NoError(t, err)
			require.Equal(t, int64(1<<20), p.Geometry().Capacity, "the device's size")
			require.False(t, p.Geometry().Blank, "who knows what is on a device")
			require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, pos, 1, byte(pos+1), nil)))
			require.NoError(t, p.Close())
			pos++
		}
	}
	content, err := os.ReadFile(device)
	require.NoError(t, err)
	for i := range pos {
		require.Equal(t, byte(i+1), content[i*iopath.BlockSize])
	}
}

// refused opens a device by every way and returns what they say, all the same.
func refused(t *testing.T, device string) string {
	said := map[string]bool{}
	for _, open := range openers() {
		_, err := open(iopath.OpenOptions{File: device})
		require.Error(t, err)
		said[err.Error()] = true
	}
	require.Len(t, said, 1, "%v", said)
	for s := range said {
		return s
	}
	return ""
}

// TestLoopMounted: the file system of somebody survives us.
func TestLoopMounted(t *testing.T) {
	device, at := loop(t, 16<<20), t.TempDir()
	command(t, "mkfs.ext4", "-q", device)
	command(t, "mount", device, at)
	require.NoError(t, os.WriteFile(filepath.Join(at, "file"), []byte("theirs"), 0o600))
	require.Contains(t, refused(t, device), "in use: mounted at "+at)
	command(t, "umount", at)
	require.Contains(t, refused(t, device), "holds an ext2, ext3 or ext4 file system")
	command(t, "mount", device, at)
	content, err := os.ReadFile(filepath.Join(at, "file"))
	require.NoError(t, err)
	require.Equal(t, "theirs", string(content))
	command(t, "umount", at)

	command(t, "wipefs", "--all", "--quiet", device)
	p, err := pwrite.Open(pwrite.Config{OpenOptions: iopath.OpenOptions{File: device}})
	require.NoError(t, err, "wipefs is the remedy that the refusal names")
	require.NoError(t, p.Close())
}

// TestLoopForeign: what tools leave on a device that nobody mounts.
func TestLoopForeign(t *testing.T) {
	device := loop(t, 16<<20)
	command(t, "mkswap", "--quiet", device)
	require.Contains(t, refused(t, device), "holds swap space; if it is really to be overwritten, run: wipefs --all "+device)
}

// TestLoopInUse: one WAL at a time, of this process or another.
func TestLoopInUse(t *testing.T) {
	device := loop(t, 1<<20)
	for name, open := range openers() {
		p, err := open(iopath.OpenOptions{File: device})
		require.NoError(t, err, name)
		require.Contains(t, refused(t, device), "in use: claimed by another process")
		require.NoError(t, p.Close())
	}
	f, err := os.OpenFile(device, os.O_RDWR|unix.O_EXCL, 0)
	require.NoError(t, err, "Close gives the claim back at once")
	require.NoError(t, f.Close())
}

// TestLoopSize: the device's size is the capacity, and another is refused.
func TestLoopSize(t *testing.T) {
	device := loop(t, 1<<20)
	_, err := pwrite.Open(pwrite.Config{OpenOptions: iopath.OpenOptions{File: device, Capacity: 2 << 20}})
	require.ErrorContains(t, err, "has a capacity of 1MiB, and capacity=2MiB is asked for")
	_, err = uring.Open(uring.Config{OpenOptions: iopath.OpenOptions{File: loop(t, 32<<10)}})
	require.ErrorContains(t, err, "has 32KiB, want at least 64KiB")
}
