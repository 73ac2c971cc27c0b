package driver

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// security is how clients prove who they are. It is one setting made of three
// properties.
type security struct{ protocol, mechanism, jaas string }

var (
	jaasUser     = regexp.MustCompile(`\busername\s*=\s*["']([^"']*)["']`)
	jaasPassword = regexp.MustCompile(`\bpassword\s*=\s*["']([^"']*)["']`)
)

// finish makes options of it, and says what it cannot be.
func (s security) finish(to *settings) []refusal {
	switch s.protocol {
	case "", "PLAINTEXT":
		return nil
	case "SSL", "SASL_SSL":
		to.common = append(to.common, kgo.DialTLS())
	case "SASL_PLAINTEXT":
	default:
		return []refusal{{"security.protocol", "want PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"}}
	}
	if s.protocol == "SSL" {
		return nil
	}
	m, no := s.sasl()
	if no.why != "" {
		return []refusal{no}
	}
	to.common = append(to.common, kgo.SASL(m))
	return nil
}

func (s security) sasl() (sasl.Mechanism, refusal) {
	user, password := jaasUser.FindStringSubmatch(s.jaas), jaasPassword.FindStringSubmatch(s.jaas)
	if user == nil || password == nil {
		return nil, refusal{"sasl.jaas.config", `want username="…" and password="…" in it`}
	}
	switch s.mechanism {
	case "PLAIN":
		return plain.Auth{User: user[1], Pass: password[1]}.AsMechanism(), refusal{}
	case "SCRAM-SHA-256":
		return scram.Auth{User: user[1], Pass: password[1]}.AsSha256Mechanism(), refusal{}
	case "SCRAM-SHA-512":
		return scram.Auth{User: user[1], Pass: password[1]}.AsSha512Mechanism(), refusal{}
	}
	return nil, refusal{"sasl.mechanism", "want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"}
}
