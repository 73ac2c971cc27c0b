package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// addMiddleware puts our two steps into the SDK's stack, both inside of the
// retryer, and has bodies go unsigned: CRC32C guards them, and SHA-256 would
// cost more than everything else here.
func addMiddleware(stack *middleware.Stack) error {
	if err := stack.Finalize.Insert(attempt{}, "Retry", middleware.After); err != nil {
		return err
	}
	switch stack.ID() {
	case "GetObject":
		return stack.Deserialize.Add(readBody{}, middleware.Before)
	case "PutObject", "UploadPart":
		return v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware(stack)
	}
	return nil
}

// attempt counts one attempt and ends it when nothing moves.
type attempt struct{}

// ID is part of middleware.FinalizeMiddleware.
func (attempt) ID() string { return "tide.attempt" }

// HandleFinalize is called by the retryer for each attempt.
func (attempt) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, md middleware.Metadata, err error,
) {
	c := callOf(ctx)
	if c == nil { // a request that the SDK makes on its own account
		return next.HandleFinalize(ctx, in)
	}
	c.attempts++
	if req, ok := in.Request.(*smithyhttp.Request); ok && c.op == opGet {
		req.Header.Set("Range", c.missing()) // it is signed after this
	}
	count := &c.store.attempts[c.op]
	count.Add(c.attempts > 1)
	ctx, cancel := context.WithCancelCause(httptrace.WithClientTrace(ctx, traceSends(c)))
	defer cancel(nil)
	stalled := deadlineError{"nothing moved", c.store.cfg.Stall}
	w := startWatch(c.store.cfg.Stall, func() { cancel(stalled) })
	defer w.stop()
	c.watchStall(w)
	defer c.watchStall(nil)
	out, md, err = next.HandleFinalize(ctx, in)
	var own deadlineError
	if err != nil && errors.As(context.Cause(ctx), &own) && own == stalled {
		err = &smithyhttp.RequestSendError{Err: own} // not cancelled by anybody: worth repeating
	}
	if throttled(err) {
		count.Throttled()
	}
	return out, md, err
}

// traceSends counts what net/http sends again by itself: a GET on a connection
// that the server closed meanwhile.
func traceSends(c *call) *httptrace.ClientTrace {
	sent := false
	return &httptrace.ClientTrace{WroteHeaders: func() {
		if sent {
			c.store.attempts[c.op].Add(true)
		}
		sent = true
		c.moved()
	}}
}

// throttled reports whether the server said "slow down".
func throttled(err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	status := answer.HTTPStatusCode()
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// readBody reads the body of a GET into the caller's buffer inside of the
// attempt: a body that is cut off is the retryer's to ask for again, and only
// what is missing of it.
type readBody struct{}

// ID is part of middleware.DeserializeMiddleware.
func (readBody) ID() string { return "tide.readBody" }

// HandleDeserialize runs when the headers are there.
func (readBody) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, md middleware.Metadata, err error,
) {
	out, md, err = next.HandleDeserialize(ctx, in)
	c := callOf(ctx)
	if err != nil || c == nil {
		return out, md, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, md, fmt.Errorf("answer of type %T", out.RawResponse)
	}
	defer resp.Body.Close()
	c.moved()
	want, got := fmt.Sprintf("bytes %d-", c.pos), resp.Header.Get("Content-Range")
	if resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(got, want) {
		return out, md, fmt.Errorf("answer %q with range %q, asked for %q", resp.Status, got, c.missing())
	}
	if resp.ContentLength < c.left && resp.ContentLength >= 0 {
		return out, md, errShort // the object ends there
	}
	if err := c.fill(resp.Body); err != nil {
		return out, md, &smithyhttp.RequestSendError{Err: fmt.Errorf("body: %w", err)}
	}
	return out, md, nil
}

// errShort: the server has fewer bytes from there on than were asked for.
var errShort = errors.New("the object ends before")

// fill reads exactly the buffers. A large Read of net/http's body goes from the
// socket into the buffer without a copy between.
func (c *call) fill(body io.Reader) error {
	for c.left > 0 {
		if len(c.into[0]) == 0 {
			c.into = c.into[1:]
			continue
		}
		n, err := body.Read(c.into[0])
		c.into[0], c.pos, c.left = c.into[0][n:], c.pos+int64(n), c.left-int64(n)
		c.moved()
		if err != nil && c.left > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
