package wire

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ApiVersions, v0–4
//
//	v1  throttle time
//	v3  flexible, except for the header of the answer; the client's name (KIP-511); features (KIP-584)
//	v4  features may have a minimum of 0 (KIP-1022)
//
// A version that we do not know is answered in v0 with UNSUPPORTED_VERSION and
// the list, so that the client can choose (KIP-35). Its body is not looked at.

const keyApiVersions = 18

func init() {
	register(&api{
		name: "ApiVersions", key: keyApiVersions, min: 0, max: 4, flexible: 3,
		body:  []field{text().since(3), text().since(3)}, // name and version of the client's software
		serve: serveApiVersions,
	})
}

func serveApiVersions(c *conn, r *request) error {
	if !r.api.serves(r.version) {
		resp := apiVersions()
		resp.ErrorCode = kerr.UnsupportedVersion.Code
		resp.SetVersion(0)
		c.push(newMessage(r, resp))
		return nil
	}
	return serveKmsg(func(_ *conn, _ *request, req *kmsg.ApiVersionsRequest) *kmsg.ApiVersionsResponse {
		resp := apiVersions()
		if r.version >= 3 && !(softwareName(req.ClientSoftwareName) && softwareName(req.ClientSoftwareVersion)) {
			resp.ErrorCode = kerr.InvalidRequest.Code
			resp.ApiKeys = []kmsg.ApiVersionsResponseApiKey{}
		}
		return resp
	})(c, r)
}

// apiVersions lists all that is registered. We have no features to negotiate:
// those that Kafka names belong to keys that we do not serve.
func apiVersions() *kmsg.ApiVersionsResponse {
	resp := kmsg.NewPtrApiVersionsResponse()
	for _, a := range apis {
		if a == nil {
			continue
		}
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = a.key, a.min, a.max
		resp.ApiKeys = append(resp.ApiKeys, k)
	}
	return resp
}

// softwareName holds Kafka's rule for names and versions of client software:
// letters, digits, dots and dashes, the first and last a letter or digit.
func softwareName(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case (b == '.' || b == '-') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return s != ""
}
