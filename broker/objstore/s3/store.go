package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidelog/tide/broker/objstore"
)

// Store is an objstore.Store in a bucket.
type Store struct {
	cfg    Config
	creds  aws.CredentialsProvider
	reads  side
	writes side

	attempts [opCount]objstore.Attempts
	calls    objstore.Calls
	life     context.Context // ended by Close
	end      context.CancelFunc
}

// Open reads credentials and region. It asks the server for nothing: see
// Reach.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	base, err := load(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, creds: base.Credentials, reads: newSide(base, cfg, cfg.Reads), writes: newSide(base, cfg, cfg.Writes)}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// side is where a request goes.
func (s *Store) side(o op) side {
	if o.reads() {
		return s.reads
	}
	return s.writes
}

// AttemptStats implements objstore.Attempter.
func (s *Store) AttemptStats() []objstore.AttemptStats {
	out := make([]objstore.AttemptStats, opCount)
	for o := range opCount {
		out[o] = s.attempts[o].Stats(o.String())
	}
	return out
}

// Gates are the places in flight, for reads and for writes.
func (s *Store) Gates() (reads, writes objstore.GateStats) {
	return s.reads.gate.Stats(), s.writes.gate.Stats()
}

// key is the object's name in the bucket.
func (s *Store) key(key string) *string {
	if s.cfg.Prefix != "" {
		key = s.cfg.Prefix + "/" + key
	}
	return aws.String(key)
}

// begin is done first by every call on an object; done comes last.
func (s *Store) begin(ctx context.Context, key string) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if err := objstore.CheckKey(key); err != nil {
		return nil, err
	}
	if !s.calls.Begin() {
		return nil, fmt.Errorf("%s: %w", key, objstore.ErrClosed)
	}
	return s.calls.End, nil
}

// GetRange reads the range with one GET.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	return s.getInto(ctx, key, pos, int64(len(p)), [][]byte{p})
}

// SlotUnit implements objstore.SlotReader: no alignment helps.
func (s *Store) SlotUnit() int { return 1 }

// GetSlots reads the range with one GET, straight into the slots.
func (s *Store) GetSlots(ctx context.Context, key string, pos int64, slots []objstore.Slot) error {
	into := make([][]byte, len(slots))
	for i, slot := range slots {
		into[i] = slot.Data()
	}
	return s.getInto(ctx, key, pos, int64(objstore.SlotBytes(slots)), into)
}

func (s *Store) getInto(ctx context.Context, key string, pos, n int64, into [][]byte) error {
	done, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	if n == 0 || pos < 0 || pos > 1<<62 { // there is no such range in HTTP
		info, err := s.head(ctx, key)
		if err != nil {
			return err
		}
		return objstore.CheckRange(key, info.size, pos, int(n))
	}
	return s.get(ctx, key, pos, n, into)
}

// get fills the buffers with n bytes, all that they have room for.
func (s *Store) get(ctx context.Context, key string, pos, n int64, into [][]byte) error {
	err := s.call(ctx, opGet, func(ctx context.Context, c *call) error {
		c.pos, c.left, c.into = pos, n, into
		_, err := s.reads.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key), Range: aws.String(c.missing()),
		})
		return err
	})
	if errors.Is(err, errShort) || status(err) == 416 {
		return fmt.Errorf("%s: %d bytes at %d: %w", key, n, pos, objstore.ErrRange)
	}
	return explain("get", key, err)
}

// Head returns the object's size.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	done, err := s.begin(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}
	defer done()
	h, err := s.head(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: key, Size: h.size}, nil
}

// header is what HEAD says of an object.
type header struct {
	size     int64
	checksum string // CRC32C, base64, "-N" after it for one of N parts; may be empty
}

func (s *Store) head(ctx context.Context, key string) (h header, err error) {
	err = s.call(ctx, opHead, func(ctx context.Context, _ *call) error {
		out, err := s.reads.client.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key), ChecksumMode: "ENABLED",
		})
		if err == nil {
			h = header{aws.ToInt64(out.ContentLength), aws.ToString(out.ChecksumCRC32C)}
		}
		return err
	})
	return h, explain("head", key, err)
}

// Delete removes the object.
func (s *Store) Delete(ctx context.Context, key string) error {
	done, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	err = s.call(ctx, opDelete, func(ctx context.Context, _ *call) error {
		_, err := s.writes.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.cfg.Bucket, Key: s.key(key)})
		return err
	})
	if err = explain("delete", key, err); errors.Is(err, objstore.ErrNotFound) {
		return nil
	}
	return err
}

// Close ends calls in flight with ErrClosed, waits for them, and closes all
// connections.
func (s *Store) Close() error {
	if s.calls.Close() {
		s.end()
		s.calls.Wait()
		s.reads.transport.CloseIdleConnections()
		s.writes.transport.CloseIdleConnections()
	}
	return nil
}

// directory reports an S3 Express bucket, which lists in no order and only by
// whole path elements.
func (s *Store) directory() bool { return strings.HasSuffix(s.cfg.Bucket, "--x-s3") }
