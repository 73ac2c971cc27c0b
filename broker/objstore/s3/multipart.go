package s3

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/objstore"
)

// part is a stretch of an object with its checksum.
type part struct {
	body objstore.Body
	crc  uint32
}

// upload is an object cut into parts. There is always one.
type upload struct{ parts []part }

// newUpload cuts the body and reads it once, for the checksums.
func newUpload(body objstore.Body, size int64) upload {
	total := body.Size()
	size = max(size, (total+maxParts-1)/maxParts)
	var up upload
	for pos := int64(0); pos < total || pos == 0; pos += size {
		p := body.Section(pos, min(size, total-pos))
		up.parts = append(up.parts, part{p, sum(p)})
	}
	return up
}

// matches compares with a checksum that S3 keeps. known is false when it says
// nothing about these bytes: there is none, or it is over other parts.
func (u upload) matches(checksum string, body objstore.Body) (same, known bool) {
	crc, parts, composite := strings.Cut(checksum, "-")
	switch {
	case crc == "":
		return false, false
	case composite:
		// Equal parts have an equal sum; another sum may be over other parts.
		same = parts == strconv.Itoa(len(u.parts)) && crc == encode(u.composite())
		return same, same
	case len(u.parts) == 1:
		return crc == encode(u.parts[0].crc), true
	}
	return crc == encode(sum(body)), true
}

// composite is S3's checksum over the checksums of the parts.
func (u upload) composite() uint32 {
	var sums []byte
	for _, p := range u.parts {
		sums = binary.BigEndian.AppendUint32(sums, p.crc)
	}
	return crc32.Checksum(sums, castagnoli)
}

// putParts uploads the parts side by side and then has S3 put them together.
// An upload that fails is aborted, or its parts would be kept, and paid for.
func (s *Store) putParts(ctx context.Context, key string, up upload) error {
	var id *string
	err := s.call(ctx, opCreate, func(ctx context.Context, _ *call) error {
		out, err := s.writes.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key),
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c, ChecksumType: types.ChecksumTypeComposite,
		})
		if err == nil {
			id = out.UploadId
		}
		return err
	})
	if err != nil {
		return err
	}
	done, err := s.sendParts(ctx, key, id, up)
	if err == nil {
		err = s.complete(ctx, key, id, done)
	}
	if err != nil {
		s.abandon(ctx, *s.key(key), id)
	}
	return err
}

func (s *Store) sendParts(ctx context.Context, key string, id *string, up upload) ([]types.CompletedPart, error) {
	done := make([]types.CompletedPart, len(up.parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.PartsInFlight)
	for i, p := range up.parts {
		g.Go(func() (err error) {
			done[i], err = s.sendPart(ctx, key, id, int32(i+1), p)
			return err
		})
	}
	return done, g.Wait()
}

func (s *Store) sendPart(ctx context.Context, key string, id *string, number int32, p part) (types.CompletedPart, error) {
	done := types.CompletedPart{PartNumber: &number, ChecksumCRC32C: aws.String(encode(p.crc))}
	err := s.call(ctx, opPart, func(ctx context.Context, c *call) error {
		out, err := s.writes.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key), UploadId: id, PartNumber: &number,
			ContentLength: aws.Int64(p.body.Size()), ChecksumCRC32C: done.ChecksumCRC32C,
			Body: newReader(ctx, c, p.body),
		})
		if err == nil {
			done.ETag = out.ETag
		}
		return err
	})
	return done, err
}

// complete puts the parts together. An attempt whose answer was lost leaves no
// upload behind for the next: then the object is there, and is compared.
func (s *Store) complete(ctx context.Context, key string, id *string, parts []types.CompletedPart) error {
	err := s.call(ctx, opComplete, func(ctx context.Context, _ *call) error {
		_, err := s.writes.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.cfg.Bucket, Key: s.key(key), UploadId: id, IfNoneMatch: aws.String("*"),
			ChecksumType: types.ChecksumTypeComposite, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	})
	if code(err) == "NoSuchUpload" {
		return errTaken
	}
	return taken(err)
}
