package s3_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// multipart is the fake's side of uploads in parts.
func (f *fake) multipart(w http.ResponseWriter, r *http.Request, op, key string, body []byte) {
	q := r.URL.Query()
	if op == "HeadBucket" {
		return
	}
	if op == "CreateMultipartUpload" {
		if r.Header.Get("X-Amz-Checksum-Algorithm") != "CRC32C" {
			refuse(w, r, 400, "InvalidRequest")
			return
		}
		f.ids++
		id := strconv.Itoa(f.ids)
		f.uploads[id] = &pending{key, time.Now(), map[int][]byte{}}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
		return
	}
	u, ok := f.uploads[q.Get("uploadId")]
	if !ok || u.key != key {
		refuse(w, r, 404, "NoSuchUpload")
		return
	}
	switch op {
	case "UploadPart":
		if n, _ := strconv.Atoi(q.Get("partNumber")); checked(w, r, body) {
			u.parts[n] = body
			w.Header().Set("Etag", crc(body))
		}
	case "AbortMultipartUpload":
		delete(f.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case "CompleteMultipartUpload":
		f.complete(w, r, key, u, body)
	}
}

func (f *fake) complete(w http.ResponseWriter, r *http.Request, key string, u *pending, body []byte) {
	var in struct {
		Part []struct {
			PartNumber     int
			ETag           string
			ChecksumCRC32C string
		}
	}
	if xml.Unmarshal(body, &in) != nil || len(in.Part) != len(u.parts) || !f.vacant(w, r, key) {
		return
	}
	var all, sums []byte
	for i, p := range in.Part {
		data := u.parts[p.PartNumber]
		if p.PartNumber != i+1 || p.ETag != crc(data) || p.ChecksumCRC32C != crc(data) || (i+1 < len(in.Part) && len(data) < 5<<20) {
			refuse(w, r, 400, "InvalidPart")
			return
		}
		sum, _ := base64.StdEncoding.DecodeString(crc(data))
		all, sums = append(all, data...), append(sums, sum...)
	}
	f.objects[key] = stored{all, fmt.Sprintf("%s-%d", crc(sums), len(in.Part))}
	delete(f.uploads, r.URL.Query().Get("uploadId"))
	fmt.Fprint(w, "<CompleteMultipartUploadResult/>")
}

func (f *fake) listUploads(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		Key, UploadId string //nolint:revive // S3's own spelling
		Initiated     time.Time
	}
	var out struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		IsTruncated        bool
		NextKeyMarker      string
		NextUploadIdMarker string //nolint:revive // S3's own spelling
		Upload             []entry
	}
	q := r.URL.Query()
	for _, id := range slices.Sorted(maps.Keys(f.uploads)) {
		u := f.uploads[id]
		if !strings.HasPrefix(u.key, q.Get("prefix")) || id <= q.Get("upload-id-marker") {
			continue
		}
		if len(out.Upload) == f.page {
			last := out.Upload[f.page-1]
			out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = true, last.Key, last.UploadId
			break
		}
		out.Upload = append(out.Upload, entry{u.key, id, u.begun})
	}
	_ = xml.NewEncoder(w).Encode(out)
}
