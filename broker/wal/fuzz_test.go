package wal

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tidelog/tide/iopath/mem"
)

// fuzzImage is a device with a few live records, padding and a trimmed one.
func fuzzImage(t testing.TB) []byte {
	image := make([]byte, 64<<10)
	Header{Capacity: 64 << 10, TrimOffset: 90112, Version: 1, WindowMax: 8192}.encode(image)
	at := func(off int) []byte { return image[ringStart+off%(64<<10-ringStart):] }
	for _, off := range []int{90112, 94208, 94382, 114688} {
		body := bytes.Repeat([]byte{byte(off)}, 150)
		copy(at(off)[recordHeaderLength:], body)
		recordHeader{bodyLength: 150, bodyOffset: Offset(off + 24), bodyCRC: checksum(body)}.encode(at(off))
	}
	encodePadding(at(98304)[:16384], 98304)
	_, bodies, _, err := recovered(t, mem.NewDeviceFrom(bytes.Clone(image)), RecoverOptions{})
	if err != nil || len(bodies) != 3 {
		t.Fatalf("the seed is broken: %d records, %v", len(bodies), err)
	}
	return image
}

// FuzzScan patches an image and scans it: no panic, no record that is not
// intact, no error but damage, and a reset still goes beyond every offset.
func FuzzScan(f *testing.F) {
	base := fuzzImage(f)
	f.Add(uint32(0), []byte{}, false)
	f.Add(uint32(ringStart+94208-57344), []byte{0x87, 0x65, 0x43, 0x21, 0x7f, 0xff, 0xff, 0xff}, true)
	f.Add(uint32(12), []byte{0, 0, 0, 0, 0, 1, 0x5f, 0xff}, false)
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, lenient bool) {
		image := bytes.Clone(base)
		copy(image[at%uint32(len(image)):], patch)
		if at < blockSize { // let patched headers through their checksum
			putChecksum(image)
		}
		w, _ := openMem(t, mem.NewDeviceFrom(image), 1, nil)
		last := Offset(-1)
		r, err := w.Recover(context.Background(), RecoverOptions{Lenient: lenient}, func(r Record) error {
			if r.Offset <= last {
				t.Fatalf("record %d after %d", r.Offset, last)
			}
			last = r.Offset
			return nil
		})
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if err := w.Reset(context.Background(), 1); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if next := w.Stats().Next; next <= last || next <= r.End {
			t.Fatalf("next life begins at %d, the last ended at %d", next, r.End)
		}
		if err := w.Close(context.Background(), false); err != nil {
			t.Fatal(err)
		}
	})
}

// putChecksum makes the first header slot's checksum right.
func putChecksum(image []byte) {
	sum := checksum(image[:52])
	image[52], image[53], image[54], image[55] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
}
