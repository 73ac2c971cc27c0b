package arena

import (
	"fmt"
	"math/bits"
	"sync"
)

// PoolConfig bounds a Pool. All sizes are bytes.
type PoolConfig struct {
	Least int   // the smallest buffer; a power of two, at least a page
	Most  int   // the largest Get; rounded up to a power of two
	Keep  int64 // idle buffers stay mapped as long as they and the lent ones are no more than this
}

// Pool lends buffers outside the Go heap, in powers of two. What comes back is
// kept for the next one, newest first (its pages are resident and warm); the
// longest unused go back to the system while more than Keep bytes are mapped.
//
//	Get(70 KiB) ─▶ idle buffer of 128 KiB, else a fresh mapping of 128 KiB
//	both        ─▶ the oldest idle ones unmapped while lent + idle > Keep
//
// So no more is mapped than Keep, or than is lent when that is more.
//
// A fresh mapping costs address space only: a page takes memory when it is
// first written. So a buffer of an announced size may be taken before the
// bytes have come.
type Pool struct {
	cfg PoolConfig

	mu     sync.Mutex
	idle   [][]byte // guarded by mu; oldest first
	kept   int64    // guarded by mu; bytes of idle
	lent   int64    // guarded by mu; bytes that Get gave and Put has not got back
	mapped int64    // guarded by mu; mappings made since the start
	closed bool     // guarded by mu
}

// PoolStats are levels in bytes, and the mappings made since the start.
type PoolStats struct{ Lent, Idle, Mappings int64 }

// NewPool returns a pool that holds nothing yet.
func NewPool(cfg PoolConfig) *Pool {
	if cfg.Least < 4096 || cfg.Least&(cfg.Least-1) != 0 || cfg.Most < cfg.Least {
		panic(fmt.Sprintf("arena: pool of buffers from %d to %d bytes", cfg.Least, cfg.Most))
	}
	return &Pool{cfg: cfg}
}

// Size is the length of the buffer that Get(n) returns.
func (p *Pool) Size(n int) int {
	return max(p.cfg.Least, 1<<bits.Len(uint(max(n, 1)-1)))
}

// Get lends a buffer of Size(n) bytes, with anything in it. The borrower gives
// the same slice to Put, and then touches it no more. It fails when n is
// larger than Most, or the system has no memory.
func (p *Pool) Get(n int) ([]byte, error) {
	if n > p.cfg.Most {
		return nil, fmt.Errorf("buffer of %d bytes: at most %d", n, p.cfg.Most)
	}
	size := p.Size(n)
	if b := p.reuse(size); b != nil {
		return b, nil
	}
	b, err := Map(size)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.lent += int64(size)
	p.mapped++
	gone := p.surplus()
	p.mu.Unlock()
	unmapAll(gone)
	return b, nil
}

// reuse takes the newest idle buffer of the size.
func (p *Pool) reuse(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		b := p.idle[i]
		if len(b) != size {
			continue
		}
		p.idle = append(p.idle[:i], p.idle[i+1:]...)
		p.kept -= int64(size)
		p.lent += int64(size)
		return b
	}
	return nil
}

// Put takes a buffer back.
func (p *Pool) Put(b []byte) {
	p.mu.Lock()
	p.lent -= int64(len(b))
	p.idle = append(p.idle, b)
	p.kept += int64(len(b))
	gone := p.surplus()
	p.mu.Unlock()
	unmapAll(gone)
}

// surplus takes out what is not to be kept. Called with mu held.
func (p *Pool) surplus() (gone [][]byte) {
	for len(p.idle) > 0 && (p.kept+p.lent > p.cfg.Keep || p.closed) {
		gone = append(gone, p.idle[0])
		p.kept -= int64(len(p.idle[0]))
		p.idle[0] = nil
		p.idle = p.idle[1:]
	}
	return gone
}

// unmapAll unmaps what Map returned; that it fails is a bug here.
func unmapAll(all [][]byte) {
	for _, b := range all {
		if err := Unmap(b); err != nil {
			panic(err)
		}
	}
}

// Stats may be called at any time.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{Lent: p.lent, Idle: p.kept, Mappings: p.mapped}
}

// Close unmaps what is idle. What is lent is unmapped when it comes back, and
// the pool goes on to work without keeping anything.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle, p.kept = nil, 0
	p.mu.Unlock()
	for _, b := range idle {
		if err := Unmap(b); err != nil {
			return err
		}
	}
	return nil
}
