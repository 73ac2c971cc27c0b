package object

import (
	"fmt"
	"slices"
	"strconv"
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
