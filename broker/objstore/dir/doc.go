// Package dir keeps objects as files of a directory: the store of the embedded
// default. Key 70000000/DEFAULT/7 is the file of that path below the root.
//
//	root/
//	├── 70000000/DEFAULT/7     an object: whole, or not there
//	└── .tide-tmp/p-123456/    files being written by one open store
//	    ├── lock               held (flock) while that store is open
//	    └── 1, 2, …
//
// The WAL is trimmed after a Put has returned, so Put is durable in full:
//
//	write temp file ▶ fdatasync ▶ make missing directories ▶ rename, never
//	over a file ▶ fsync leaf directory ▶ … ▶ fsync root ▶ return
//
// Every directory up to the root is fsynced each time, not only the new ones:
// another Put may have made one of them and not have come to its fsync yet,
// and its crash must not take this object along. An fsync of a directory that
// is clean costs little.
//
// Files are written with O_DIRECT in large aligned pieces from one buffer, with
// one fdatasync at the end: an upload then leaves no dirty pages behind whose
// flush would stall the WAL on the same disk.
//
// Blocks are read with O_DIRECT too, whole pages straight into the block
// cache's slots: through the page cache a cold GiB costs 0.3 s of CPU more, and
// what the block cache holds would be in memory twice. Everything else, and
// every range where O_DIRECT is not to be had, is read through the page cache.
// Files stay open between reads (files.go).
package dir
