package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// A command in the log, an answer on the wire:
//
//	{"type":"CreateTopic","version":1,"body":{…}}
//
// JSON, because the log is read by people when something went wrong, and
// because a cluster makes few commands: one per upload, topic or restart. The
// decoder is strict: a field it does not know comes from a newer version, and
// applying the rest would make this copy of the state differ from the others.

// MaxEncoded bounds an encoded command or result, in bytes.
const MaxEncoded = 64 << 20

type envelope struct {
	Type    string          `json:"type"`
	Version int             `json:"version"`
	Body    json.RawMessage `json:"body"`
}

// codecVersion is that of every type so far.
const codecVersion = 1

// decoders by the name of the command's type.
var decoders = map[string]func(body []byte) (Command, error){
	"RegisterNode":        decoder[RegisterNode],
	"WALOpened":           decoder[WALOpened],
	"WALClosed":           decoder[WALClosed],
	"CreateTopic":         decoder[CreateTopic],
	"DeleteTopic":         decoder[DeleteTopic],
	"OpenStream":          decoder[OpenStream],
	"CloseStream":         decoder[CloseStream],
	"PrepareObjects":      decoder[PrepareObjects],
	"CommitObject":        decoder[CommitObject],
	"CompactObjects":      decoder[CompactObjects],
	"TrimStream":          decoder[TrimStream],
	"ExpireObjects":       decoder[ExpireObjects],
	"ForgetObjects":       decoder[ForgetObjects],
	"AllocateProducerIDs": decoder[AllocateProducerIDs],
	"AlterConfigs":        decoder[AlterConfigs],
}

func decoder[T Command](body []byte) (Command, error) {
	var v T
	err := strict(body, &v)
	return v, err
}

// EncodeCommand gives the bytes for the log. Larger than MaxEncoded it wraps ErrTooLarge.
func EncodeCommand(cmd Command) ([]byte, error) {
	name := reflect.TypeOf(cmd).Name()
	if _, ok := decoders[name]; !ok {
		return nil, refuse(ErrInvalid, "%T is not a command", cmd)
	}
	return encode(name, cmd)
}

// DecodeCommand reads what EncodeCommand wrote. Anything else, an unknown type
// or version included, is an error that wraps ErrDecode.
func DecodeCommand(data []byte) (Command, error) {
	env, err := open(data)
	if err != nil {
		return nil, err
	}
	dec, ok := decoders[env.Type]
	if !ok {
		return nil, refuse(ErrDecode, "unknown command %.64q", env.Type)
	}
	cmd, err := dec(env.Body)
	if err != nil {
		return nil, refuse(ErrDecode, "command %s: %v", env.Type, err)
	}
	return cmd, nil
}

// outcome is a Result or a refusal.
type outcome struct {
	Result Result `json:"result"`
	Code   string `json:"code,omitempty"`
	Error  string `json:"error,omitempty"`
}

// EncodeResult gives the bytes of an answer: what Propose returned.
func EncodeResult(res Result, err error) ([]byte, error) {
	o := outcome{Result: res}
	if err != nil {
		o.Code, o.Error = encodeError(err)
	}
	return encode("Result", o)
}

// DecodeResult reads what EncodeResult wrote. remote is the error that Propose
// returned there; errors.Is finds this package's sentinels in it. err says that
// the bytes themselves are wrong.
func DecodeResult(data []byte) (res Result, remote, err error) {
	env, err := open(data)
	if err != nil {
		return Result{}, nil, err
	}
	if env.Type != "Result" {
		return Result{}, nil, refuse(ErrDecode, "%.64q is not a result", env.Type)
	}
	var o outcome
	if err := strict(env.Body, &o); err != nil {
		return Result{}, nil, refuse(ErrDecode, "result: %v", err)
	}
	if o.Code != "" || o.Error != "" {
		remote = decodeError(o.Code, o.Error)
	}
	return o.Result, remote, nil
}

func encode(name string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, refuse(ErrInvalid, "%s: %v", name, err)
	}
	data, err := json.Marshal(envelope{Type: name, Version: codecVersion, Body: body})
	if err != nil {
		return nil, refuse(ErrInvalid, "%s: %v", name, err)
	}
	if len(data) > MaxEncoded {
		return nil, refuse(ErrTooLarge, "%s of %d bytes, at most %d", name, len(data), MaxEncoded)
	}
	return data, nil
}

func open(data []byte) (envelope, error) {
	var env envelope
	if len(data) > MaxEncoded {
		return env, refuse(ErrDecode, "%d bytes, at most %d", len(data), MaxEncoded)
	}
	if err := strict(data, &env); err != nil {
		return env, refuse(ErrDecode, "%v", err)
	}
	if env.Version != codecVersion {
		return env, refuse(ErrDecode, "%.64q has version %d, known is %d", env.Type, env.Version, codecVersion)
	}
	return env, nil
}

// strict decodes exactly one value with no field that v does not have.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than one value")
	}
	return nil
}
