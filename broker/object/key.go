package object

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Key is the name under which a store keeps object id of a namespace: the
// id in hexadecimal, padded to 8 digits and REVERSED, then namespace and
// decimal id. The reversal puts the digits that change fastest first, which
// spreads consecutive ids over S3's key partitions and over directories.
// Id 7 in DEFAULT is 70000000/DEFAULT/7.
func Key(namespace string, id int64) string {
	prefix := fmt.Appendf(nil, "%08x", uint64(id))
	slices.Reverse(prefix)
	return string(prefix) + "/" + namespace + "/" + strconv.FormatInt(id, 10)
}

// KeyID finds the id in a key, or in a path that ends with one. false: it does
// not end in what Key makes.
func KeyID(key string) (int64, bool) {
	parts := strings.Split(key, "/")
	n := len(parts)
	if n < 3 {
		return 0, false
	}
	id, err := strconv.ParseInt(parts[n-1], 10, 64)
	if err != nil {
		return 0, false
	}
	return id, Key(parts[n-2], id) == strings.Join(parts[n-3:], "/")
}
