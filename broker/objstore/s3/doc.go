// Package s3 keeps objects in a bucket of S3, or of any server that speaks its
// protocol, through aws-sdk-go-v2.
//
//	Put ≤ part   PutObject  If-None-Match: *   CRC32C
//	Put > part   CreateMultipartUpload
//	               ├ UploadPart 1 … n, in parallel, a CRC32C each
//	             CompleteMultipartUpload  If-None-Match: *      (or AbortMultipartUpload)
//	GetRange     GetObject  Range: bytes=a-b ─▶ straight into the caller's buffer
//
//	call ─▶ gate ─▶ deadline ─▶ SDK: retryer ─▶ attempt (counted, stall watch) ─▶ transport
//	        reads and writes have a gate, a retryer and a connection pool each
//
// An upload can therefore never take a connection, a place or a retry token
// from a reader, nor the other way round. Repeating is the SDK's own retryer's
// business alone: the body of a GET is read inside of the attempt, so that one
// which is cut off is repeated like one that was never answered, from where it
// was cut, and every attempt is counted, those that net/http repeats by itself
// included.
//
// An attempt in which nothing moves for Stall is given up and repeated; a call
// ends at its Deadline whatever happens. Neither runs while a Put waits for its
// pacer.
//
// A key is created only where there is none. If there is one, it may be our
// own, of an attempt whose answer was lost: an object of the same size and
// checksum is success, any other is objstore.ErrExists.
package s3
