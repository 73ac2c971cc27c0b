package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// healthy is a machine on which every check is ok; a test spoils one thing.
func healthy(t *testing.T) *System {
	s := &System{
		Root:         t.TempDir(),
		Path:         "wal",
		Place:        func(string) (Place, error) { return Place{"wal", Directory, "8:1"}, nil },
		Direct:       func(Place) (Alignment, error) { return Alignment{4, 512}, nil },
		IOUring:      func() string { return "available" },
		Clock:        func() (ClockState, error) { return ClockState{true, time.Microsecond, time.Millisecond}, nil },
		FileLimit:    func() (soft, hard uint64, err error) { return 65536, 65536, nil },
		Reservations: func(Place) (Reservations, error) { return Reservations{"NVMe", writeExclusiveRegs}, nil },
		Program:      func(context.Context, string, ...string) (string, error) { return "fio-3.33\n", nil },
		Metadata:     func(context.Context, string) (string, error) { panic("asked for metadata outside EC2") },
		Pause:        func(context.Context, time.Duration) {},
	}
	// A partition: its link points below the disk, which has the queue.
	s.put(t, "/sys/devices/sda/sda1/partition", "1")
	s.put(t, "/sys/devices/sda/queue/write_cache", "write through")
	s.put(t, "/sys/devices/sda/queue/fua", "0")
	s.put(t, "/sys/devices/sda/queue/logical_block_size", "512")
	s.put(t, "/sys/devices/sda/queue/physical_block_size", "4096")
	require.NoError(t, os.MkdirAll(s.Root+"/sys/dev/block", 0o755))
	require.NoError(t, os.Symlink("../../devices/sda/sda1", s.Root+"/sys/dev/block/8:1"))
	s.put(t, "/proc/self/mountinfo", "26 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,data=ordered")
	s.put(t, "/proc/stat", "cpu 100 0 100 800 0 0 0 0 0 0")
	return s
}

func (s *System) put(t *testing.T, name, text string) {
	require.NoError(t, os.MkdirAll(filepath.Dir(s.Root+name), 0o755))
	require.NoError(t, os.WriteFile(s.Root+name, []byte(text+"\n"), 0o600))
}

func examine(t *testing.T, s *System) (Report, map[string]Check) {
	r, err := Run(context.Background(), s)
	require.NoError(t, err)
	byName := map[string]Check{}
	for _, c := range r.Checks {
		require.Equal(t, c.OK, c.Remedy == "", "%+v: a remedy is given exactly when it is needed", c)
		require.NotEmpty(t, c.Found, c.Name)
		require.NotEmpty(t, c.Wanted, c.Name)
		byName[c.Name] = c
	}
	require.Len(t, byName, len(r.Checks), "names are unique")
	return r, byName
}

func TestHealthy(t *testing.T) {
	r, checks := examine(t, healthy(t))
	for _, c := range r.Checks {
		require.True(t, c.OK, "%+v", c)
	}
	require.Empty(t, r.Failed())
	require.Equal(t, "512 bytes (physical sector 4096)", checks["alignment"].Found)
	require.Equal(t, "not on EC2", checks["ebs"].Found)
}

// TestFaults spoils one thing at a time; the check concerned says it, and what
// to do, and no other check changes.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, check string
		spoil       func(*testing.T, *System)
		found       string
		remedy      string
		others      int // further checks that the same fault spoils
	}{
		{"sysctl", "io_uring", func(t *testing.T, s *System) {
			s.IOUring = func() string { return "refused: operation not permitted" }
			s.put(t, "/proc/sys/kernel/io_uring_disabled", "2")
		}, "refused", "io_uring_disabled=0", 0},
		{"group", "io_uring", func(t *testing.T, s *System) {
			s.IOUring = func() string { return "refused: operation not permitted" }
			s.put(t, "/proc/sys/kernel/io_uring_disabled", "1")
		}, "refused", "io_uring_group", 0},
		{"seccomp", "io_uring", func(_ *testing.T, s *System) {
			s.IOUring = func() string { return "refused: operation not permitted" }
		}, "refused", "seccomp profile", 0},
		{"old kernel", "io_uring", func(_ *testing.T, s *System) {
			s.IOUring = func() string { return "not in this kernel" }
		}, "not in this kernel", "5.6", 0},
		{"no direct I/O", "o_direct", func(_ *testing.T, s *System) {
			s.Direct = func(Place) (Alignment, error) { return Alignment{}, errors.ErrUnsupported }
		}, "unsupported", "ext4 or xfs", 0},
		{"no permission", "o_direct", func(_ *testing.T, s *System) {
			s.Direct = func(Place) (Alignment, error) { return Alignment{}, os.ErrPermission }
		}, "permission", "readable and writable", 0},
		{"large sectors", "alignment", func(t *testing.T, s *System) {
			s.put(t, "/sys/devices/sda/queue/logical_block_size", "16384")
		}, "16384 bytes", "at most 4096", 0},
		{"volatile cache", "write_cache", func(t *testing.T, s *System) {
			s.put(t, "/sys/devices/sda/queue/write_cache", "write back")
			s.put(t, "/sys/devices/sda/queue/fua", "1")
		}, "volatile", "durability=dsync", 0},
		{"volatile cache without fua", "fua", func(t *testing.T, s *System) {
			s.put(t, "/sys/devices/sda/queue/write_cache", "write back")
		}, "0, and", "twice the latency", 1},
		{"memory", "filesystem", func(t *testing.T, s *System) {
			s.put(t, "/proc/self/mountinfo", "26 1 8:1 / / rw - tmpfs tmpfs rw")
		}, "tmpfs", "this is memory", 0},
		{"journalled data", "filesystem", func(t *testing.T, s *System) {
			s.put(t, "/proc/self/mountinfo", "26 1 8:1 / / rw - ext4 /dev/sda1 rw,data=journal")
		}, "data=journal", "data=ordered", 0},
		{"another file system", "filesystem", func(t *testing.T, s *System) {
			s.put(t, "/proc/self/mountinfo", "26 1 8:1 / / rw - btrfs /dev/sda1 rw")
		}, "btrfs", "ext4 or xfs", 0},
		{"unsynchronised", "clock", func(_ *testing.T, s *System) {
			s.Clock = func() (ClockState, error) { return ClockState{}, nil }
		}, "not synchronised", "chrony", 0},
		{"far source", "clock", func(_ *testing.T, s *System) {
			s.Clock = func() (ClockState, error) { return ClockState{true, 5 * time.Millisecond, time.Second}, nil }
		}, "5ms", "nearer source", 0},
		{"one slow core", "cpu_governor", func(t *testing.T, s *System) {
			s.put(t, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance")
			s.put(t, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave")
		}, "performance, powersave", "cpupower", 0},
		{"stolen time", "steal", func(t *testing.T, s *System) {
			s.Pause = func(context.Context, time.Duration) { s.put(t, "/proc/stat", "cpu 140 0 100 850 0 0 0 10 0 0") }
		}, "10.0 %", "noise", 0},
		{"soft limit", "file_limit", func(_ *testing.T, s *System) {
			s.FileLimit = func() (soft, hard uint64, err error) { return 1024, 65536, nil }
		}, "1024 (hard limit 65536)", "ulimit -n 16384", 0},
		{"hard limit", "file_limit", func(_ *testing.T, s *System) {
			s.FileLimit = func() (soft, hard uint64, err error) { return 1024, 1024, nil }
		}, "1024", "LimitNOFILE", 0},
		{"no fio", "fio", func(_ *testing.T, s *System) {
			s.Program = func(context.Context, string, ...string) (string, error) {
				return "", errors.New("no such program in PATH")
			}
		}, "no such program", "apt-get install fio", 0},
		{"burstable instance", "ebs", func(t *testing.T, s *System) {
			s.put(t, "/sys/class/dmi/id/sys_vendor", "Amazon EC2")
			s.Metadata = func(context.Context, string) (string, error) { return "m6i.large", nil }
		}, "m6i.large: baseline 650 Mbit/s (77 MiB/s) and 3600 IOPS, burst 10000", "plan for the baseline", 0},
		{"other instance", "ebs", func(t *testing.T, s *System) {
			s.put(t, "/sys/class/dmi/id/bios_version", "4.11.amazon")
			s.Metadata = func(context.Context, string) (string, error) { return "z9.large", nil }
		}, "z9.large", "--instance-types z9.large", 0},
		{"metadata off", "ebs", func(t *testing.T, s *System) {
			s.put(t, "/sys/class/dmi/id/board_vendor", "Amazon EC2")
			s.Metadata = func(context.Context, string) (string, error) { return "", errors.New("no route") }
		}, "no route", "IMDSv2", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := healthy(t)
			c.spoil(t, s)
			r, checks := examine(t, s)
			require.False(t, checks[c.check].OK)
			require.Contains(t, checks[c.check].Found, c.found)
			require.Contains(t, checks[c.check].Remedy, c.remedy)
			failed := 0
			for _, o := range r.Checks {
				if !o.OK {
					failed++
				}
			}
			require.Equal(t, 1+c.others, failed)
			required := c.check == "o_direct" || c.check == "alignment"
			require.Equal(t, required, len(r.Failed()) == 1, "%v", r.Failed())
		})
	}
}

func TestReservations(t *testing.T) {
	s := healthy(t)
	raw := func(r Reservations, err error) Check {
		s.Place = func(string) (Place, error) { return Place{"dev", BlockDevice, "8:1"}, nil }
		s.Reservations = func(Place) (Reservations, error) { return r, err }
		_, checks := examine(t, s)
		require.Equal(t, "none: a raw block device", checks["filesystem"].Found)
		return checks["reservations"]
	}
	identify := make([]byte, 4096)
	identify[nvmeIdentifyRESCAPAt] = 0x7f
	require.Equal(t, "NVMe: persist through power loss; write exclusive; exclusive access; write exclusive, registrants only; "+
		"exclusive access, registrants only; write exclusive, all registrants; exclusive access, all registrants",
		raw(nvmeCapabilities(identify), nil).Found)
	require.Equal(t, "SCSI: write exclusive; write exclusive, registrants only",
		raw(scsiCapabilities([]byte{0, 8, 0, 0x80, 0x22, 0, 0, 0}), nil).Found)
	require.Equal(t, "SCSI: persist through power loss",
		raw(scsiCapabilities([]byte{0, 8, 0, 0x01, 0xff, 1, 0, 0}), nil).Found, "without TMV the mask means nothing")
	require.Contains(t, raw(Reservations{Protocol: "NVMe"}, nil).Remedy, "io2")
	require.Contains(t, raw(Reservations{}, errors.ErrUnsupported).Remedy, "io2")
	require.Contains(t, raw(Reservations{}, os.ErrPermission).Remedy, "CAP_SYS_ADMIN")
}

// TestHere runs on whatever machine the test has: the shape holds on any.
func TestHere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "wal")
	require.NoError(t, os.WriteFile(file, make([]byte, 8192), 0o600))
	for _, path := range []string{dir, file} {
		s := New(path)
		s.Metadata = func(context.Context, string) (string, error) { return "", errors.New("no network in tests") }
		r, _ := examine(t, s)
		require.Len(t, r.Checks, len(all))
	}
	left, err := filepath.Glob(filepath.Join(dir, ".tide-doctor-*"))
	require.NoError(t, err)
	require.Empty(t, left)

	_, err = Run(context.Background(), New(filepath.Join(dir, "nowhere")))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Run(context.Background(), New("/dev/null"))
	require.ErrorContains(t, err, "neither a directory")
}

func TestInstanceMetadata(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			_, _ = w.Write([]byte("secret"))
		case r.Header.Get("X-aws-ec2-metadata-token") != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/meta-data/instance-type":
			_, _ = w.Write([]byte("m6i.large\n"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	ask := instanceMetadata(srv.URL)
	kind, err := ask(context.Background(), "instance-type")
	require.NoError(t, err)
	require.Equal(t, "m6i.large", kind)
	_, err = ask(context.Background(), "other")
	require.ErrorContains(t, err, "404")
}
