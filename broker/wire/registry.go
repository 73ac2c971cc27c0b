package wire

import "fmt"

// api is one API key: its file makes one and registers it.
type api struct {
	name     string
	key      int16
	min, max int16 // versions that we serve and advertise
	flexible int16 // first flexible version
	body     []field
	serve    func(c *conn, r *request) error // an error closes the connection
}

// maxKey bounds the table; keys above it are unknown.
const maxKey = 127

// apis is filled by the init functions of the files NN_*.go and never changes
// afterwards.
var apis [maxKey + 1]*api

func register(a *api) {
	if apis[a.key] != nil {
		panic(fmt.Sprintf("wire: API key %d is registered twice", a.key))
	}
	apis[a.key] = a
}

// lookup finds the key, nil when it is unknown.
func lookup(key int16) *api {
	if key < 0 || key > maxKey {
		return nil
	}
	return apis[key]
}

func (a *api) serves(version int16) bool { return version >= a.min && version <= a.max }

// isFlexible tells how the request's header and body are encoded.
func (a *api) isFlexible(version int16) bool { return version >= a.flexible }
