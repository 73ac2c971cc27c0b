package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/objstore"
)

// noAdmin stands for the address of an admin port, which the bare reader has not.
const noAdmin = "none"

// maxRequest bounds a request in bytes.
const maxRequest = 1 << 20

// child is the flags of the bare reader as a process: those that every broker is
// given, and its own.
type child struct {
	Listen  string `default:"127.0.0.1:0"`
	Admin   string // none is served
	Store   string
	Topic   string
	Streams string     // ids by partition, with commas between
	Bare    bareConfig `embed:""`
}

// runBare is `s3ratio broker`: it reads the indexes, says that it is ready, and
// serves until ctx ends, or until something goes wrong.
func runBare(ctx context.Context, args []string, out io.Writer) error {
	var c child
	if err := parse(&c, args); err != nil {
		return err
	}
	ids, err := parseIDs(c.Streams)
	spec, wrong := objstore.ParseURL(c.Store)
	if err := errors.Join(err, wrong, c.Bare.validate()); err != nil {
		return err
	}
	s := openBucket(spec, c.Bare.Places)
	plans, err := plan(ctx, s, ids, int(c.Bare.Get))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	face, err := newFace(c.Topic, l.Addr().String(), s, plans, c.Bare.Places)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "ready kafka=%s admin=%s\n", l.Addr(), noAdmin)
	return serve(ctx, l, face)
}

func parseIDs(text string) (ids []int64, err error) {
	for word := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("--streams: %w", err)
		}
		ids = append(ids, id)
	}
	if len(ids) > maxLanes {
		return nil, fmt.Errorf("--streams: %d, at most %d", len(ids), maxLanes)
	}
	return ids, nil
}

// serve serves connections until ctx ends or one of them fails, and returns
// that failure. All of its goroutines have ended then.
func serve(ctx context.Context, l net.Listener, f *face) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer f.reading.Wait()
	defer wg.Wait() // first: a connection begins the reading
	defer cancel(nil)
	context.AfterFunc(ctx, func() { l.Close() })
	var turn sync.Mutex
	for {
		c, err := l.Accept()
		if err != nil {
			return failure(ctx, err)
		}
		wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			defer c.Close()
			if err := (&conn{face: f, turn: &turn, out: c}).run(ctx, bufio.NewReader(c)); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
}

// failure is why nothing is accepted any more: the end that ctx was told to make
// is none.
func failure(ctx context.Context, accept error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return accept
	case errors.Is(cause, context.Canceled):
		return nil
	default:
		return cause
	}
}

// conn is one connection: a request, its answer, the next request.
type conn struct {
	face *face
	turn *sync.Mutex // over all connections: the face is for one at a time
	out  net.Conn
}

// run returns nil when the client has gone.
func (c *conn) run(ctx context.Context, in *bufio.Reader) error {
	var frame []byte
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return nil //nolint:nilerr // it has gone
		}
		n := binary.BigEndian.Uint32(size[:])
		if n > maxRequest {
			return fmt.Errorf("a request of %d bytes", n)
		}
		if cap(frame) < int(n) {
			frame = make([]byte, n)
		}
		frame = frame[:n]
		if _, err := io.ReadFull(in, frame); err != nil {
			return nil //nolint:nilerr // it has gone
		}
		answer, err := c.serve(ctx, frame)
		if err != nil {
			return err
		}
		if _, err := answer.WriteTo(c.out); err != nil {
			return nil //nolint:nilerr // it has gone
		}
		c.sent()
	}
}

func (c *conn) sent() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.face.written()
}

// serve decodes a request and answers it.
func (c *conn) serve(ctx context.Context, frame []byte) (net.Buffers, error) {
	b := kbin.Reader{Src: frame}
	key, version, correlation := b.Int16(), b.Int16(), b.Int32()
	b.NullableString() // client id
	req := kmsg.RequestForKey(key)
	v, known := versions[key]
	if !b.Ok() || req == nil || !known || version < v[0] || version > v[1] {
		return c.refuse(key, correlation)
	}
	req.SetVersion(version)
	if req.IsFlexible() {
		kmsg.SkipTags(&b)
	}
	if err := req.ReadFrom(b.Src); err != nil {
		return nil, err
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	if fetch, ok := req.(*kmsg.FetchRequest); ok {
		reads, err := c.face.fetch(ctx, fetch)
		if err != nil {
			return nil, err
		}
		return fetchAnswer(correlation, c.face.topic, reads), nil
	}
	resp, err := c.face.answer(req)
	if err != nil {
		return nil, err
	}
	return frameOf(correlation, resp.AppendTo), nil
}

// refuse tells a client whose ApiVersions is too new which one to use; anything
// else that is not known ends the comparison.
func (c *conn) refuse(key int16, correlation int32) (net.Buffers, error) {
	if key != keyVersions {
		return nil, fmt.Errorf("a client asks for API %d in a version that is not served here", key)
	}
	req := kmsg.NewPtrApiVersionsRequest()
	resp, err := c.face.answer(req)
	if err != nil {
		return nil, err
	}
	const unsupportedVersion = 35
	resp.(*kmsg.ApiVersionsResponse).ErrorCode = unsupportedVersion
	return frameOf(correlation, resp.AppendTo), nil
}

// frameOf is length, correlation id, body.
func frameOf(correlation int32, body func([]byte) []byte) net.Buffers {
	dst := body(kbin.AppendInt32(make([]byte, 4, 512), correlation))
	binary.BigEndian.PutUint32(dst, uint32(len(dst)-4))
	return net.Buffers{dst}
}

// fetchAnswer is Fetch 11, with the batches where they are.
func fetchAnswer(correlation int32, topic string, reads []read) net.Buffers {
	const noError, noSession = 0, 0
	head := kbin.AppendInt32(make([]byte, 4, 512), correlation)
	head = kbin.AppendInt32(head, 0) // throttled
	head = kbin.AppendInt16(head, noError)
	head = kbin.AppendInt32(head, noSession)
	head = kbin.AppendArrayLen(head, 1)
	head = kbin.AppendString(head, topic)
	head = kbin.AppendArrayLen(head, len(reads))
	out, total := net.Buffers{head}, len(head)
	for _, r := range reads {
		p := r.head()
		out, total = append(append(out, p), r.batches...), total+len(p)+r.bytes
	}
	binary.BigEndian.PutUint32(head, uint32(total-4))
	return out
}

// head is what stands before a partition's batches.
func (r read) head() []byte {
	const noError, noReplica = 0, -1
	p := kbin.AppendInt32(make([]byte, 0, 64), r.partition)
	p = kbin.AppendInt16(p, noError)
	for _, offset := range []int64{r.end, r.end, 0} { // high watermark, last stable, log start
		p = kbin.AppendInt64(p, offset)
	}
	p = kbin.AppendNullableArrayLen(p, 0, true) // aborted transactions
	p = kbin.AppendInt32(p, noReplica)
	return kbin.AppendInt32(p, int32(r.bytes))
}
