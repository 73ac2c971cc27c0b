package itest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/s3"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

// TestStore puts objstore/s3 through the suite of all stores, and through what
// only a real server can judge.
func TestStore(t *testing.T) {
	for kind := range strings.SplitSeq(*servers, ",") {
		t.Run(kind, func(t *testing.T) {
			server, n := startS3(t, kind), 0
			open := func(t *testing.T) *s3.Store {
				n++
				return openS3(t, s3.Config{Prefix: fmt.Sprintf("store/%d", n), Endpoint: "http://" + server.addr})
			}
			t.Run("suite", func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) objstore.Store { return open(t) })
			})
			t.Run("multipart", func(t *testing.T) { realMultipart(t, open(t)) })
			if kind != "minio" { // which lists uploads only under their exact key, and expires them by itself
				t.Run("leftovers", func(t *testing.T) { realLeftovers(t, server) })
			}
			t.Run("checksum", func(t *testing.T) { realChecksum(t, server) })
			t.Run("reach", func(t *testing.T) { realReach(t, server) })
		})
	}
}

const storePart = 5 << 20

func openS3(t *testing.T, cfg s3.Config) *s3.Store {
	if cfg.Bucket == "" {
		cfg.Bucket = s3Bucket
	}
	cfg.PathStyle, cfg.Part = true, storePart
	s, err := s3.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// realMultipart: an object of several parts is whole, its repetition is a
// success and another object under its key is refused, whatever the parts.
func realMultipart(t *testing.T, s *s3.Store) {
	all := storetest.Content(3*storePart+12345, 1)
	other := bytes.Clone(all)
	other[len(other)-1] ^= 1
	put := func(p []byte) error { return s.Put(t.Context(), "70000000/ns/7", objstore.Body{p[:100], p[100:]}) }
	require.NoError(t, put(all))
	require.NoError(t, put(all), "again")
	require.ErrorIs(t, put(other), objstore.ErrExists)
	got := make([]byte, len(all)-storePart)
	require.NoError(t, s.GetRange(t.Context(), "70000000/ns/7", storePart-99, got))
	require.True(t, bytes.Equal(all[storePart-99:][:len(got)], got))
	left, err := s.Leftovers(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, left, "refused uploads are aborted")
	require.Equal(t, objstore.AttemptStats{Op: "part", Attempts: 12}, s.AttemptStats()[2])
}

// client is a bare SDK client, for what the store itself would never do.
func (s *s3Server) client(t *testing.T) *awss3.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return awss3.New(awss3.Options{
		BaseEndpoint: aws.String("http://" + s.addr), Region: "us-east-1", UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(s3Key, s3Secret, ""), RetryMaxAttempts: 1,
	})
}

// realLeftovers: an upload that nobody finishes is listed and swept.
func realLeftovers(t *testing.T, server *s3Server) {
	client, s := server.client(t), openS3(t, s3.Config{Prefix: "crashed", Endpoint: "http://" + server.addr})
	for _, key := range []string{"elsewhere/1", "crashed/a/1", "crashed/b/2"} {
		_, err := client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String(s3Bucket), Key: &key})
		require.NoError(t, err)
	}
	swept, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, swept, "they are young")
	swept, err = s.Sweep(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 2, swept, "and not the one outside of the prefix")
	left, err := s.Leftovers(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, left)
}

// realChecksum: the server refuses what has been damaged on the way, which the
// store relies on.
func realChecksum(t *testing.T, server *s3Server) {
	_, err := server.client(t).PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(s3Bucket), Key: aws.String("damaged"), Body: strings.NewReader("damaged"), ChecksumCRC32C: aws.String("AAAAAA=="),
	})
	require.Error(t, err)
}

// realReach: what is wrong with the URL or the credentials is told apart from
// a server that is not there.
func realReach(t *testing.T, server *s3Server) {
	endpoint := "http://" + server.addr
	require.NoError(t, openS3(t, s3.Config{Endpoint: endpoint}).Reach(t.Context()))
	err := openS3(t, s3.Config{Endpoint: endpoint, Bucket: "no-such-bucket"}).Reach(t.Context())
	require.ErrorIs(t, err, objstore.ErrRefused)
	require.ErrorContains(t, err, "create it")
	err = openS3(t, s3.Config{Endpoint: "http://" + freeAddr(t), Attempts: 1}).Reach(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, objstore.ErrRefused)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	require.ErrorIs(t, openS3(t, s3.Config{Endpoint: endpoint}).Reach(t.Context()), objstore.ErrRefused)
}
