package doctor

import (
	"context"
	"slices"
	"strings"
)

func init() {
	register(check{order: 30, name: "write_cache", wanted: "write through: nothing volatile to flush", run: writeCache})
	register(check{order: 31, name: "fua", wanted: "1 where the write cache is volatile", run: forceUnitAccess})
	register(check{order: 32, name: "filesystem", wanted: "ext4 or xfs, data not journalled, or a raw block device", run: filesystem})
}

const noQueue = "no block device of its own"

// writeCache is about speed: dsync is durable on either kind, but pays a flush
// for each write on a volatile one.
func writeCache(_ context.Context, s *System) answer {
	switch v := s.queue("write_cache"); v {
	case "":
		return bad(noQueue, "put the WAL on a disk: what is here may survive neither a power cut nor a reboot")
	case "write back":
		return bad(v+" (volatile: each durable write costs a flush)",
			"keep durability=dsync, the default; durability=direct would lose acknowledged records in a power cut. "+
				"A disk with power-loss protection, or EBS, needs no flush")
	default:
		return fine("%s", v)
	}
}

// forceUnitAccess: without it, a durable write is a write and then a flush of
// the whole cache.
func forceUnitAccess(_ context.Context, s *System) answer {
	fua, cache := s.queue("fua"), s.queue("write_cache")
	switch {
	case fua == "":
		return bad(noQueue, "put the WAL on a disk")
	case fua == "0" && cache == "write back":
		return bad("0, and the write cache is volatile", "expect twice the latency of a durable write: the kernel flushes the whole cache in place of one block")
	default:
		return fine("%s", fua)
	}
}

func filesystem(_ context.Context, s *System) answer {
	if s.place.Kind == BlockDevice {
		return fine("none: a raw block device")
	}
	kind, options := s.filesystem()
	switch {
	case kind == "":
		return bad("unknown", "put the WAL on ext4 or xfs, or on a raw block device")
	case slices.Contains([]string{"tmpfs", "ramfs"}, kind):
		return bad(kind, "this is memory: use it for tries only, and put the WAL on ext4, xfs or a raw block device")
	case kind != "ext4" && kind != "xfs":
		return bad(kind, "put the WAL on ext4 or xfs, or on a raw block device: elsewhere durability=direct is refused and speed is not known")
	case strings.Contains(options, "data=journal"):
		return bad(kind+" with data=journal", "mount it with data=ordered: with journalled data O_DIRECT quietly goes through the page cache")
	default:
		return fine("%s", kind)
	}
}
