package load

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// discard is a Kafka that throws records away: what a generator reaches against
// it is the generator's own ceiling. It speaks old versions of the protocol, whose
// produce requests can be answered without decoding their records:
//
//	request  ┌size┐┌header …┐┌acks, timeout┐ topics ┬ name ─ partitions ┬ number ─ size ┄ records, skipped
//	                                              └ …                └ …
type discard struct {
	t        testing.TB
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
	gone  bool                  // guarded by mu
}

func newDiscard(t testing.TB) *discard {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &discard{t: t, listener: l, conns: map[net.Conn]struct{}{}}
	d.wg.Go(d.accept)
	t.Cleanup(d.close)
	return d
}

func (d *discard) address() string { return d.listener.Addr().String() }

func (d *discard) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	d.gone = true
	for c := range d.conns {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.wg.Wait()
}

func (d *discard) accept() {
	for {
		c, err := d.listener.Accept()
		if err != nil {
			return // closed
		}
		d.mu.Lock()
		if d.gone {
			_ = c.Close()
		} else {
			d.conns[c] = struct{}{}
			d.wg.Go(func() { d.serve(c) })
		}
		d.mu.Unlock()
	}
}

func (d *discard) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReaderSize(c, 256<<10)
	var out []byte
	for {
		answer, err := d.answer(in, out[:0])
		if err == nil {
			_, err = c.Write(answer)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				d.t.Logf("discarding server: %v", err)
			}
			return
		}
		out = answer
	}
}

const (
	keyProduce        = 0
	keyMetadata       = 3
	keyAPIVersions    = 18
	keyInitProducer   = 22
	produceVersion    = 7  // the last one that is not flexible is 8; 7 has nothing to be skipped
	discardPartitions = 64 // of every topic
)

// answer reads one request and appends its answer, size first.
func (d *discard) answer(in *bufio.Reader, out []byte) ([]byte, error) {
	var head [14]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size, key := int(binary.BigEndian.Uint32(head[:])), int16(binary.BigEndian.Uint16(head[4:]))
	version := int16(binary.BigEndian.Uint16(head[6:]))
	client := int(int16(binary.BigEndian.Uint16(head[12:])))
	left := size - 10 - max(client, 0)
	if _, err := in.Discard(max(client, 0)); err != nil {
		return nil, err
	}
	out = append(out, 0, 0, 0, 0)
	out = append(out, head[8:12]...) // the correlation id
	var err error
	if key == keyProduce {
		out, err = produced(in, out)
	} else {
		body := make([]byte, left)
		if _, err = io.ReadFull(in, body); err == nil {
			out, err = d.other(key, version, body, out)
		}
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, err
}

// produced walks over a produce request, version 7, and accepts all of it.
func produced(in *bufio.Reader, out []byte) ([]byte, error) {
	w := walker{in: in}
	w.skip(w.int16()) // transactional id; −1 is none
	w.skip(2 + 4)     // acks, timeout
	topics := w.int32()
	out = binary.BigEndian.AppendUint32(out, uint32(topics))
	for range topics {
		n := w.int16()
		out = binary.BigEndian.AppendUint16(out, uint16(n))
		for range n {
			out = append(out, w.byte())
		}
		partitions := w.int32()
		out = binary.BigEndian.AppendUint32(out, uint32(partitions))
		for range partitions {
			out = binary.BigEndian.AppendUint32(out, uint32(w.int32()))
			out = append(out, make([]byte, 2+8)...) // no error, base offset 0
			out = append(out, 255, 255, 255, 255, 255, 255, 255, 255)
			out = append(out, make([]byte, 8)...) // the log's start
			w.skip(w.int32())
		}
		if w.err != nil {
			return out, w.err
		}
	}
	return append(out, 0, 0, 0, 0), w.err // not throttled
}

// walker reads numbers and skips bytes; after an error everything is 0.
type walker struct {
	in  *bufio.Reader
	err error
}

func (w *walker) bytes(n int) []byte {
	b, err := w.in.Peek(n)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return make([]byte, n)
	}
	_, _ = w.in.Discard(n) // it is there
	return b
}

func (w *walker) byte() byte { return w.bytes(1)[0] }
func (w *walker) int16() int { return int(int16(binary.BigEndian.Uint16(w.bytes(2)))) }
func (w *walker) int32() int { return int(int32(binary.BigEndian.Uint32(w.bytes(4)))) }

func (w *walker) skip(n int) {
	if _, err := w.in.Discard(max(n, 0)); err != nil {
		w.err = errors.Join(w.err, err)
	}
}

// other answers what a client asks before it produces.
func (d *discard) other(key, version int16, body, out []byte) ([]byte, error) {
	host, port := "127.0.0.1", int32(d.listener.Addr().(*net.TCPAddr).Port)
	var resp kmsg.Response
	switch key {
	case keyAPIVersions:
		r := kmsg.NewPtrApiVersionsResponse()
		for k, most := range map[int16]int16{keyProduce: produceVersion, keyMetadata: 7, keyAPIVersions: 2, keyInitProducer: 1} {
			r.ApiKeys = append(r.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: k, MinVersion: 0, MaxVersion: most})
		}
		if version > 2 {
			r.ErrorCode, version = 35, 0 // the client asks again with what there is
		}
		resp = r
	case keyMetadata:
		req := kmsg.NewPtrMetadataRequest()
		req.SetVersion(version)
		if err := req.ReadFrom(body); err != nil {
			return out, err
		}
		r := kmsg.NewPtrMetadataResponse()
		r.Brokers = []kmsg.MetadataResponseBroker{{Host: host, Port: port}}
		for _, t := range req.Topics {
			topic := kmsg.MetadataResponseTopic{Topic: t.Topic}
			for p := range int32(discardPartitions) {
				topic.Partitions = append(topic.Partitions, kmsg.MetadataResponseTopicPartition{Partition: p, Replicas: []int32{0}, ISR: []int32{0}})
			}
			r.Topics = append(r.Topics, topic)
		}
		resp = r
	case keyInitProducer:
		resp = kmsg.NewPtrInitProducerIDResponse()
	default:
		return out, errors.New("a request that the discarding server does not know")
	}
	resp.SetVersion(version)
	return resp.AppendTo(out), nil
}
