package wal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
	"github.com/tidelog/tide/iopath/pwrite"
	"github.com/tidelog/tide/iopath/uring"
)

// benchDevices are the ways of writing that are compared here, and how many
// writes each may have in flight: pwrite inline, by whoever reaps.
var benchDevices = []struct {
	name string
	open func(iopath.OpenOptions) (iopath.Path, error)
	file bool
	deep int
}{
	{"mem", func(o iopath.OpenOptions) (iopath.Path, error) {
		return mem.Open(mem.Config{Capacity: o.Capacity, ArenaSize: o.ArenaSize, Depth: o.Depth})
	}, false, 1},
	{"pwrite", func(o iopath.OpenOptions) (iopath.Path, error) {
		return pwrite.Open(pwrite.Config{OpenOptions: o})
	}, true, 1},
	{"uring", func(o iopath.OpenOptions) (iopath.Path, error) {
		return uring.Open(uring.Config{OpenOptions: o})
	}, true, 8},
}

// BenchmarkAppend has each appender wait for its 1 KiB record, durable (dsync)
// where there is a device.
func BenchmarkAppend(b *testing.B) {
	for _, d := range benchDevices {
		for _, appenders := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("io=%s/appenders=%d", d.name, appenders), func(b *testing.B) {
				o := iopath.OpenOptions{Capacity: 128 << 20, ArenaSize: 16 << 20, Depth: d.deep, Create: true, Logger: quiet}
				if d.file {
					o.File, o.Durability = filepath.Join(b.TempDir(), "wal"), iopath.Dsync
				}
				p, err := d.open(o)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				benchmarkAppend(b, p, appenders)
			})
		}
	}
}

func benchmarkAppend(b *testing.B, p iopath.Path, appenders int) {
	c := &crowd{}
	c.w, _ = openPath(b, p, func(cfg *Config) { cfg.OnDurable, cfg.OnSpace = c.durable, c.onSpace })
	require.NoError(b, c.w.Reset(context.Background(), 1))
	body := make([]byte, 1024)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for range appenders {
		wg.Go(func() {
			done := make(chan struct{}, 1)
			for left.Add(-1) >= 0 {
				off, err := c.append(body, done)
				if err != nil {
					b.Error(err)
					return
				}
				if off%(1<<20) < 4096 { // a trim for each MiB, as uploads make them
					_ = c.w.Trim(off)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	s := c.w.Stats()
	b.ReportMetric(float64(s.Records)/float64(max(s.Writes, 1)), "records/write")
	require.NoError(b, c.w.Close(context.Background(), false))
}

// BenchmarkRecover reads a full ring back; plain is the same file in the same
// pieces by the same number of readers, and nothing looked at.
func BenchmarkRecover(b *testing.B) {
	const capacity = 256 << 20
	o := iopath.OpenOptions{File: filepath.Join(b.TempDir(), "wal"), Capacity: capacity, Create: true, Logger: quiet}
	p, err := pwrite.Open(pwrite.Config{OpenOptions: o})
	require.NoError(b, err)
	defer p.Close()
	w, _ := openPath(b, p, nil)
	require.NoError(b, w.Reset(context.Background(), 1))
	for body := make([]byte, 1024); w.Stats().RingFull == 0; {
		s, err := w.Reserve(len(body))
		if err == nil {
			s.Fill(nil, body)
		}
		if err != nil || w.Stats().Records%256 == 0 {
			w.Commit()
		}
	}
	require.NoError(b, w.Close(context.Background(), false))
	b.Run("read=recover", func(b *testing.B) {
		b.SetBytes(capacity)
		for b.Loop() {
			w, _ := openPath(b, p, nil)
			r, err := w.Recover(context.Background(), RecoverOptions{}, func(Record) error { return nil })
			require.NoError(b, err)
			require.Greater(b, r.Bytes, int64(capacity*9/10))
		}
	})
	b.Run("read=plain", func(b *testing.B) {
		b.SetBytes(capacity)
		for b.Loop() {
			plainRead(b, p, capacity)
		}
	})
}

func plainRead(b *testing.B, p iopath.Path, capacity int64) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range int64(readers) {
		mem := p.Arena()[i*maxReadChunk : (i+1)*maxReadChunk]
		wg.Go(func() {
			for pos := next.Add(maxReadChunk) - maxReadChunk; pos < capacity; pos = next.Add(maxReadChunk) - maxReadChunk {
				if _, err := p.ReadAt(mem[:min(maxReadChunk, capacity-pos)], pos); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
