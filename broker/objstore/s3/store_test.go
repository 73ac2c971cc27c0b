package s3_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/s3"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mib = 1 << 20

// open returns a store on the fake. Both are closed with the test.
func open(t *testing.T, f *fake, change ...func(*s3.Config)) *s3.Store {
	cfg := s3.Config{
		Bucket: "bucket", Prefix: "some/prefix", Endpoint: "http://fake:1", PathStyle: true, Dial: f.dial,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := s3.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, f.server.Close())
	})
	return s
}

// attempts finds the counts of one operation.
func attempts(s *s3.Store, op string) objstore.AttemptStats {
	all := s.AttemptStats()
	return all[slices.IndexFunc(all, func(a objstore.AttemptStats) bool { return a.Op == op })]
}

func body(n, seed int) objstore.Body { return objstore.Body{storetest.Content(n, seed)} }

func TestStore(t *testing.T) {
	for name, change := range map[string]func(*s3.Config){
		"prefix":    func(*s3.Config) {},
		"no prefix": func(c *s3.Config) { c.Prefix = "" },
		"directory": func(c *s3.Config) { c.Bucket = "bucket--usw2-az1--x-s3" },
		"one place": func(c *s3.Config) { c.Reads, c.Writes = 1, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) objstore.Store { return open(t, newFake(), change) })
		})
	}
}

func withPart(c *s3.Config) { c.Part = 5 * mib }

// TestMultipart: what is larger than a part goes in parts, comes back whole,
// and a repetition is recognised by the checksum alone.
func TestMultipart(t *testing.T) {
	f := newFake()
	s := open(t, f, withPart)
	all := storetest.Content(12*mib+345, 1)
	split := slices.Collect(slices.Chunk(all, 777_777))
	require.NoError(t, s.Put(t.Context(), "a/b", split))
	require.Equal(t, objstore.AttemptStats{Op: "part", Attempts: 3}, attempts(s, "part"))
	got := make([]byte, len(all))
	require.NoError(t, s.GetRange(t.Context(), "a/b", 0, got))
	require.True(t, bytes.Equal(all, got))

	require.NoError(t, s.Put(t.Context(), "a/b", objstore.Body{all}), "again")
	require.Equal(t, 1, f.did("GetObject"), "nothing was read to compare")
	require.Empty(t, f.uploads, "the refused upload is aborted")
	other := bytes.Clone(all)
	other[11*mib] ^= 1
	require.ErrorIs(t, s.Put(t.Context(), "a/b", objstore.Body{other}), objstore.ErrExists)

	larger := open(t, f, func(c *s3.Config) { c.Part = 6 * mib })
	require.NoError(t, larger.Put(t.Context(), "a/b", objstore.Body{all}), "again, in other parts")
	require.ErrorIs(t, larger.Put(t.Context(), "a/b", objstore.Body{other}), objstore.ErrExists)
	whole := open(t, f)
	require.NoError(t, whole.Put(t.Context(), "a/b", objstore.Body{all}), "again, in one piece")
	require.Zero(t, attempts(whole, "part").Attempts)
}

// TestLostAnswers: an attempt that was carried out and not answered is found
// done by the next, for whole objects and for parts.
func TestLostAnswers(t *testing.T) {
	for _, op := range []string{"PutObject", "UploadPart", "CompleteMultipartUpload"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { lostAnswer(t, op) })
		})
	}
}

func lostAnswer(t *testing.T, op string) {
	f := newFake()
	var seen atomic.Int64
	f.script = func(_ http.ResponseWriter, r *http.Request, got string) bool {
		if got != op || seen.Add(1) > 1 {
			return false
		}
		f.handle(nowhere{}, r, got)
		panic(http.ErrAbortHandler)
	}
	s, size := open(t, f, withPart), 100
	if op != "PutObject" {
		size = 6 * mib
	}
	require.NoError(t, s.Put(t.Context(), "k", body(size, 1)))
	require.GreaterOrEqual(t, seen.Load(), int64(2), "it was tried again")
	got := make([]byte, size)
	require.NoError(t, s.GetRange(t.Context(), "k", 0, got))
	require.Equal(t, body(size, 1)[0], got)
	require.Empty(t, f.uploads)
}

// nowhere takes an answer that nobody gets.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// TestAborts: a part that fails for good leaves no upload behind, and no key.
func TestAborts(t *testing.T) {
	f := newFake()
	f.script = func(w http.ResponseWriter, r *http.Request, op string) bool {
		if op == "UploadPart" && r.URL.Query().Get("partNumber") == "2" {
			refuse(w, r, 403, "AccessDenied")
			return true
		}
		return false
	}
	s := open(t, f, withPart)
	require.ErrorIs(t, s.Put(t.Context(), "k", body(12*mib, 1)), objstore.ErrRefused)
	require.Empty(t, f.uploads)
	require.Empty(t, f.objects)
	require.EqualValues(t, 1, attempts(s, "abort").Attempts)
}

// TestLeftovers: what a crash leaves is listed, and swept when it is old.
func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		start := time.Now()
		for i, key := range []string{"some/prefix/a", "some/prefix/b", "other/c", "some/prefix/d", "some/prefix/young"} {
			f.uploads[string(rune('1'+i))] = &pending{key, start.Add(time.Duration(i) * time.Minute), nil}
		}
		s := open(t, f)
		left, err := s.Leftovers(t.Context(), start.Add(4*time.Minute))
		require.NoError(t, err)
		require.Len(t, left, 3)
		require.Equal(t, s3.Leftover{Key: "some/prefix/a", ID: "1", Begun: start.UTC()}, left[0])
		swept, err := s.Sweep(t.Context(), start.Add(4*time.Minute))
		require.NoError(t, err)
		require.Equal(t, 3, swept)
		require.Len(t, f.uploads, 2)
	})
}

// TestCompares: without a checksum from the server the bytes decide.
func TestCompares(t *testing.T) {
	f := newFake()
	s := open(t, f)
	f.objects["some/prefix/k"] = stored{data: storetest.Content(3*mib, 1)}
	require.NoError(t, s.Put(t.Context(), "k", body(3*mib, 1)))
	require.ErrorIs(t, s.Put(t.Context(), "k", body(3*mib, 2)), objstore.ErrExists)
}

// TestReach: what has to be changed is said, and what may pass is told apart.
func TestReach(t *testing.T) {
	f := newFake()
	require.NoError(t, open(t, f).Reach(t.Context()))
	gone := open(t, newFake(), func(c *s3.Config) { c.Bucket = "none" }).Reach(t.Context())
	require.ErrorIs(t, gone, objstore.ErrRefused)
	require.ErrorContains(t, gone, "create it")
	denied := newFake()
	denied.script = func(w http.ResponseWriter, r *http.Request, _ string) bool { refuse(w, r, 403, ""); return true }
	require.ErrorContains(t, open(t, denied).Reach(t.Context()), "s3:ListBucket")
	nobody := open(t, newFake(), func(c *s3.Config) {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("none")
		})
	})
	require.ErrorContains(t, nobody.Reach(t.Context()), "AWS_ACCESS_KEY_ID")
}

func TestConfig(t *testing.T) {
	err := s3.Config{Part: 1, Reads: -1, Endpoint: "localhost", Stall: time.Hour}.Validate()
	for _, fault := range []string{"no bucket", "from 5 MiB to 1 GiB", "reads in flight", "want http://HOST:PORT", "stall"} {
		require.ErrorContains(t, err, fault)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	_, err = s3.Open(t.Context(), s3.Config{Bucket: "b"})
	require.ErrorContains(t, err, "AWS_REGION")
}
