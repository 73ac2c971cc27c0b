package s3_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fake is a small strict S3 server in memory, reached over net.Pipe: it
// refuses what S3 refuses, and runs inside of testing/synctest.
type fake struct {
	// script sees every request first; true: it has answered, or broken, it.
	script func(w http.ResponseWriter, r *http.Request, op string) bool
	page   int // entries of a listing's page

	mu      sync.Mutex
	objects map[string]stored
	uploads map[string]*pending
	ids     int
	ops     map[string]int // requests by operation
	conns   chan net.Conn
	server  http.Server
}

type stored struct {
	data     []byte
	checksum string
}

type pending struct {
	key   string
	begun time.Time
	parts map[int][]byte
}

func newFake() *fake {
	f := &fake{page: 2, objects: map[string]stored{}, uploads: map[string]*pending{}, ops: map[string]int{}, conns: make(chan net.Conn)}
	f.server.Handler = http.HandlerFunc(f.serve)
	go func() { _ = f.server.Serve(f) }()
	return f
}

// Accept, Close and Addr make the fake its own net.Listener.
func (f *fake) Accept() (net.Conn, error) {
	c, ok := <-f.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (f *fake) Close() error   { close(f.conns); return nil }
func (f *fake) Addr() net.Addr { return &net.TCPAddr{} }

// dial is Config.Dial.
func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case f.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// did is how many requests there were of an operation.
func (f *fake) did(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops[op]
}

// operation names a request as S3's API does.
func operation(r *http.Request) string {
	q := r.URL.Query()
	bucket := !strings.Contains(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case bucket && q.Has("uploads"):
		return "ListMultipartUploads"
	case bucket && q.Has("list-type"):
		return "ListObjectsV2"
	case bucket:
		return "HeadBucket"
	case q.Has("uploads"):
		return "CreateMultipartUpload"
	case q.Has("partNumber"):
		return "UploadPart"
	case q.Has("uploadId"):
		return map[string]string{"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}[r.Method]
	}
	return map[string]string{"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}[r.Method]
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if bucket, ok := strings.CutSuffix(r.Host, ".fake:1"); ok { // a directory bucket is always in the host name
		r.URL.Path = "/" + bucket + r.URL.Path
	}
	op := operation(r)
	f.mu.Lock()
	f.ops[op]++
	f.mu.Unlock()
	if f.script != nil && f.script(w, r, op) {
		return
	}
	f.handle(w, r, op)
}

// handle answers as S3 would.
func (f *fake) handle(w http.ResponseWriter, r *http.Request, op string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	bucket, key, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if !strings.HasPrefix(bucket, "bucket") {
		refuse(w, r, 404, "NoSuchBucket")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch op {
	case "PutObject":
		f.put(w, r, key, body)
	case "GetObject", "HeadObject":
		f.get(w, r, key)
	case "DeleteObject":
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case "ListObjectsV2":
		f.list(w, r)
	case "ListMultipartUploads":
		f.listUploads(w, r)
	default:
		f.multipart(w, r, op, key, body)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>fake</Message></Error>", code)
	}
}

func crc(p []byte) string {
	sum := crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// checked holds a body against the checksum that must be there.
func checked(w http.ResponseWriter, r *http.Request, body []byte) bool {
	if r.Header.Get("X-Amz-Checksum-Crc32c") != crc(body) || r.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" {
		refuse(w, r, 400, "BadDigest")
		return false
	}
	return true
}

func (f *fake) put(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	if !checked(w, r, body) || !f.vacant(w, r, key) {
		return
	}
	f.objects[key] = stored{body, crc(body)}
}

// vacant refuses a create where there is an object, and one that does not ask.
func (f *fake) vacant(w http.ResponseWriter, r *http.Request, key string) bool {
	_, there := f.objects[key]
	switch {
	case r.Header.Get("If-None-Match") != "*":
		refuse(w, r, 400, "NotConditional")
		return false
	case there:
		refuse(w, r, 412, "PreconditionFailed")
		return false
	}
	return true
}

func (f *fake) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := f.objects[key]
	if !ok {
		refuse(w, r, 404, "NoSuchKey")
		return
	}
	from, to := 0, len(o.data)-1
	if r.Method == http.MethodHead {
		if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && o.checksum != "" {
			w.Header().Set("X-Amz-Checksum-Crc32c", o.checksum)
		}
	} else {
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); n != 2 || from >= len(o.data) {
			refuse(w, r, 416, "InvalidRange")
			return
		}
		to = min(to, len(o.data)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(o.data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(to-from+1))
	if r.Method == http.MethodGet {
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(o.data[from : to+1])
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		Key  string
		Size int
	}
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []entry
	}
	q := r.URL.Query()
	for _, k := range slices.Sorted(maps.Keys(f.objects)) {
		if !strings.HasPrefix(k, q.Get("prefix")) || k <= q.Get("continuation-token") {
			continue
		}
		if len(out.Contents) == f.page {
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[f.page-1].Key
			break
		}
		out.Contents = append(out.Contents, entry{k, len(f.objects[k].data)})
	}
	if strings.Contains(r.Host, "--x-s3") {
		slices.Reverse(out.Contents) // directory buckets have no order
	}
	_ = xml.NewEncoder(w).Encode(out)
}
