package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	lengthSize    = 4 // of the length that precedes a frame
	fixedHeader   = 8 // key, version, correlation id
	smallestFrame = fixedHeader
)

// request is one parsed frame. clientID and body alias the read buffer and are
// valid until the handler returns.
type request struct {
	api         *api
	version     int16
	correlation int32
	clientID    []byte
	body        []byte
}

// parseRequest reads the header of a frame (without its length).
func parseRequest(frame []byte) (request, error) {
	if len(frame) < smallestFrame {
		return request{}, fmt.Errorf("frame of %d bytes, a header takes at least %d", len(frame), smallestFrame)
	}
	key := int16(binary.BigEndian.Uint16(frame))
	r := request{
		api:         lookup(key),
		version:     int16(binary.BigEndian.Uint16(frame[2:])),
		correlation: int32(binary.BigEndian.Uint32(frame[4:])),
	}
	if err := r.checkVersion(key); err != nil {
		return request{}, err
	}
	if err := r.parseRest(frame[fixedHeader:]); err != nil {
		return request{}, fmt.Errorf("header of %s v%d: %w", r.api.name, r.version, err)
	}
	return r, nil
}

// checkVersion refuses what we do not serve. Of ApiVersions every version is
// let through: an unknown one is answered with the list (KIP-35, KIP-511).
func (r *request) checkVersion(key int16) error {
	if r.api == nil {
		return fmt.Errorf("unknown API key %d", key)
	}
	if !r.api.serves(r.version) && key != keyApiVersions {
		return fmt.Errorf("%s v%d, served are %d to %d", r.api.name, r.version, r.api.min, r.api.max)
	}
	return nil
}

// parseRest reads client id and tags. The client id is never compact, not even
// in a flexible header.
func (r *request) parseRest(src []byte) error {
	w := walker{src: src}
	n := w.length(2)
	id := w.src
	w.skip(n)
	if w.err != nil {
		return w.err
	}
	r.clientID = id[:n:n]
	if r.api.serves(r.version) && r.api.isFlexible(r.version) {
		w.tags()
	}
	r.body = w.src
	return w.err
}

// serveKmsg makes a serve function of one that takes a decoded kmsg request
// and returns the answer, for all keys that are not worth a decoder of their
// own.
func serveKmsg[Q kmsg.Request, R kmsg.Response](fn func(c *conn, r *request, req Q) R) func(*conn, *request) error {
	return func(c *conn, r *request) error {
		if err := checkShape(r.api.body, r.version, r.api.isFlexible(r.version), r.body); err != nil {
			return err
		}
		req := kmsg.RequestForKey(r.api.key)
		req.SetVersion(r.version)
		if err := req.ReadFrom(r.body); err != nil {
			return err
		}
		resp := fn(c, r, req.(Q))
		resp.SetVersion(r.version)
		c.push(newMessage(r, resp))
		return nil
	}
}
