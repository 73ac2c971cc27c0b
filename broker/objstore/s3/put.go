package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidelog/tide/broker/objstore"
)

// Put stores the object with one request, or in parts when it is larger than
// one. Either way it appears whole or not at all.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	done, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	up := newUpload(body, s.cfg.Part)
	if len(up.parts) == 1 {
		err = s.putWhole(ctx, key, up.parts[0])
	} else {
		err = s.putParts(ctx, key, up)
	}
	if errors.Is(err, errTaken) {
		err = s.compare(ctx, key, body, up)
	}
	return explain("put", key, err)
}

// errTaken: there is an object under the key.
var errTaken = errors.New("the key is taken")

// taken turns the refusal of a conditional create into errTaken.
func taken(err error) error {
	if status(err) == 412 {
		return errTaken
	}
	return err
}

func (s *Store) putWhole(ctx context.Context, key string, p part) error {
	return taken(s.call(ctx, opPut, func(ctx context.Context, c *call) error {
		_, err := s.writes.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key), IfNoneMatch: aws.String("*"),
			ContentLength: aws.Int64(p.body.Size()), ChecksumCRC32C: aws.String(encode(p.crc)),
			Body: newReader(ctx, c, p.body),
		})
		return err
	}))
}

// compare decides what a taken key means: the object that is there has the
// same bytes, or it has not.
func (s *Store) compare(ctx context.Context, key string, body objstore.Body, up upload) error {
	h, err := s.head(ctx, key)
	if err != nil {
		return err
	}
	if h.size != body.Size() {
		return fmt.Errorf("%d bytes there, %d to put: %w", h.size, body.Size(), objstore.ErrExists)
	}
	same, known := up.matches(h.checksum, body)
	if !known {
		if same, err = s.holds(ctx, key, body); err != nil {
			return err
		}
	}
	if !same {
		return objstore.ErrExists
	}
	return nil
}

// holds reads the object and compares. It is for objects without a checksum,
// or put in parts of another size.
func (s *Store) holds(ctx context.Context, key string, body objstore.Body) (bool, error) {
	size := body.Size()
	buf := make([]byte, min(size, 1<<20))
	for pos := int64(0); pos < size; pos += int64(len(buf)) {
		n := min(int64(len(buf)), size-pos)
		if err := s.get(ctx, key, pos, n, [][]byte{buf[:n]}); err != nil {
			return false, err
		}
		rest := buf[:n]
		for _, p := range body.Section(pos, n) {
			if !bytes.Equal(p, rest[:len(p)]) {
				return false, nil
			}
			rest = rest[len(p):]
		}
	}
	return true, nil
}
