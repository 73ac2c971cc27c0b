package wal

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidelog/tide/iopath/mem"
)

// TestMemoryModel compares the arena's ring with a plain list of pieces: none
// overlap, and everything comes back.
func TestMemoryModel(t *testing.T) {
	type piece struct {
		mem []byte
		end int64
		tag byte
	}
	rapid.Check(t, func(t *rapid.T) {
		const size = 64
		m := memory{arena: make([]byte, size)}
		var live []piece
		tag := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				low := rapid.Int64Range(1, size).Draw(t, "low")
				high := rapid.Int64Range(low, size).Draw(t, "high")
				p, end := m.take(low, high)
				if p == nil {
					if len(live) == 0 {
						t.Fatalf("an empty ring has no room for %d", low)
					}
					return
				}
				if n := int64(len(p)); n < low || n > high {
					t.Fatalf("asked for %d to %d, got %d", low, high, n)
				}
				unused := rapid.Int64Range(0, int64(len(p))-1).Draw(t, "unused")
				m.shrink(unused)
				p = p[:int64(len(p))-unused]
				tag++
				for i := range p {
					p[i] = tag
				}
				live = append(live, piece{p, end - unused, tag})
			},
			"give": func(t *rapid.T) {
				if len(live) == 0 {
					t.Skip("nothing to give")
				}
				m.give(live[0].end)
				live = live[1:]
			},
			"": func(t *rapid.T) {
				for _, p := range live {
					if !bytes.Equal(p.mem, bytes.Repeat([]byte{p.tag}, len(p.mem))) {
						t.Fatalf("piece %d was overwritten: %v", p.tag, p.mem)
					}
				}
			},
		})
	})
}

// TestModel appends, trims, crashes and recovers at random, over several lives
// of one small device, and compares with a list of bodies.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: rt, dev: mem.NewDevice(64 << 10)}
		m.open()
		defer func() { m.close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"trim":   m.trim,
			"crash":  m.crash,
			"":       m.check,
		})
	})
}

type modelRecord struct {
	offset Offset
	body   []byte
}

type model struct {
	t     *rapid.T
	dev   *mem.Device
	path  interface{ Close() error }
	w     *WAL
	sink  *sink
	live  []modelRecord // not trimmed
	next  byte
	epoch int64
}

func (m *model) open() {
	p, err := mem.Open(mem.Config{Device: m.dev, ArenaSize: 64 << 10, Depth: 2})
	m.must(err)
	m.sink = newSink()
	m.path = p
	m.w, err = Open(Config{Path: p, NodeID: 7, Logger: quiet, OnDurable: m.sink.durable, WindowInitial: 4096, WindowStep: 4096})
	m.must(err)
	var found []modelRecord
	_, err = m.w.Recover(context.Background(), RecoverOptions{}, func(r Record) error {
		found = append(found, modelRecord{r.Offset, bytes.Clone(r.Body)})
		return nil
	})
	m.must(err)
	if fmt.Sprint(found) != fmt.Sprint(m.live) {
		m.t.Fatalf("recovered %v, want %v", found, m.live)
	}
	m.epoch++
	m.must(m.w.Reset(context.Background(), m.epoch))
	m.live = nil
}

func (m *model) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) close() {
	m.must(m.w.Close(context.Background(), false))
	m.must(m.path.Close())
}

func (m *model) append(t *rapid.T) {
	var taken []Slot
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, m.w.MaxBody()), 1, 4).Draw(t, "lengths") {
		s, err := m.w.Reserve(n)
		if err != nil {
			break // full: what was reserved before stands
		}
		m.next++
		m.live = append(m.live, modelRecord{s.Offset, bytes.Repeat([]byte{m.next}, n)})
		taken = append(taken, s)
	}
	for i := range taken { // filled in the other order
		i = len(taken) - 1 - i
		body := m.live[len(m.live)-len(taken)+i].body
		taken[i].Fill(body, nil)
	}
	m.w.Commit()
	m.must(m.w.Drain(context.Background()))
}

func (m *model) trim(t *rapid.T) {
	if len(m.live) == 0 {
		t.Skip("nothing to trim")
	}
	n := rapid.IntRange(1, len(m.live)).Draw(t, "records")
	m.must(m.w.Trim(m.live[n-1].offset))
	m.live = m.live[n:]
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.must(m.w.await(context.Background(), func() bool { return !m.w.header.dirty && !m.w.header.busy }))
}

// crash opens the device as a killed process leaves it. Everything appended is
// durable, and a trim is waited for, so the model knows exactly what is there.
func (m *model) crash(*rapid.T) {
	left := bytes.Clone(m.dev.Bytes())
	m.close()
	m.dev = mem.NewDeviceFrom(left)
	m.open()
}

// check asks the running log for what the model knows.
func (m *model) check(t *rapid.T) {
	end, err := m.sink.state()
	m.must(err)
	if n := len(m.live); n > 0 && end <= m.live[n-1].offset {
		t.Fatalf("durable to %d, appended to %d", end, m.live[n-1].offset)
	}
	if s := m.w.Stats(); s.Use < 0 || s.Use > s.RingCapacity {
		t.Fatalf("use %d of %d", s.Use, s.RingCapacity)
	}
}
