package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidelog/tide/iopath/mem"
)

// TestRecovery runs the transcripts of testdata/recovery over a device of
// 64 KiB, so R = 57344. Commands:
//
//	header slot=0 trim=N window=N [version=N] [epoch=N]   write a header slot
//	record at=N [len=N] [as=N] [torn]    a record at offset at; as: the offset it claims
//	padding at=N len=N                   a padding record
//	bytes at=N hex=xx                    noise
//	recover [lenient] [accept-loss]      scan, and print what it says
//	reset                                print the first offset of the next life
//	zero                                 a new device
func TestRecovery(t *testing.T) {
	datadriven.Walk(t, "testdata/recovery", func(t *testing.T, path string) {
		dev := mem.NewDevice(64 << 10)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "zero":
				clear(dev.Bytes())
			case "recover":
				return runRecover(t, dev, d)
			case "reset":
				return runReset(t, dev)
			default:
				return damageDevice(t, dev.Bytes(), d)
			}
			return ""
		})
	})
}

// damageDevice writes what a command says straight to the image.
func damageDevice(t *testing.T, image []byte, d *datadriven.TestData) string {
	number := func(key string, value int64) int64 {
		d.MaybeScanArgs(t, key, &value)
		return value
	}
	at := number("at", 0)
	place := image[ringStart+at%(64<<10-ringStart):]
	length := number("len", 100)
	switch d.Cmd {
	case "header":
		h := Header{Capacity: 64 << 10, NodeID: 7}
		h.TrimOffset, h.WindowMax = Offset(number("trim", -1)), number("window", 8192)
		h.Version, h.NodeEpoch = number("version", 1), number("epoch", 1)
		h.encode(image[number("slot", 0)*blockSize:])
	case "record":
		body := bytes.Repeat([]byte{byte('a' + at/blockSize%26)}, int(length))
		copy(place[recordHeaderLength:], body)
		h := recordHeader{bodyLength: length, bodyOffset: Offset(number("as", at)) + 24, bodyCRC: checksum(body)}
		h.encode(place)
		if d.HasArg("torn") {
			place[recordHeaderLength] ^= 1
		}
	case "padding":
		encodePadding(place[:length], Offset(at))
	case "bytes":
		var text string
		d.ScanArgs(t, "hex", &text)
		var raw []byte
		if _, err := fmt.Sscanf(text, "%x", &raw); err != nil {
			t.Fatal(err)
		}
		copy(image[number("position", ringStart+at%(64<<10-ringStart)):], raw)
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	return ""
}

func runRecover(t *testing.T, dev *mem.Device, d *datadriven.TestData) string {
	opt := RecoverOptions{Lenient: d.HasArg("lenient"), AcceptLoss: d.HasArg("accept-loss")}
	offs, bodies, r, err := recovered(t, dev, opt)
	var out strings.Builder
	for i, off := range offs {
		fmt.Fprintf(&out, "record %d, %d bytes\n", off, len(bodies[i]))
	}
	fmt.Fprintf(&out, "[%d, %d), %d dropped, %d lost\n", r.Start, r.End, r.Dropped, r.Lost)
	for _, x := range r.Damage {
		fmt.Fprintf(&out, "damage: %v\n", x)
	}
	if err != nil {
		fmt.Fprintf(&out, "refused: %t\n", errors.Is(err, ErrDamaged))
	}
	return out.String()
}

// runReset resets a copy: the transcript goes on with the device as it was.
func runReset(t *testing.T, dev *mem.Device) string {
	w, _ := openMem(t, mem.NewDeviceFrom(bytes.Clone(dev.Bytes())), 1, nil)
	if err := w.Reset(context.Background(), 1); err != nil {
		return err.Error() + "\n"
	}
	defer w.Close(context.Background(), false)
	return fmt.Sprintf("first offset %d\n", w.Stats().Durable)
}
