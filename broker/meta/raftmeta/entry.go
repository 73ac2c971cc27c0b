package raftmeta

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/tidelog/tide/broker/meta"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const crcSize = 4

// encodeEntry is a command as the log holds it: see the package comment.
func encodeEntry(cmd meta.Command) ([]byte, error) {
	body, err := meta.EncodeCommand(cmd)
	if err != nil {
		return nil, err
	}
	return withCRC(body), nil
}

func withCRC(body []byte) []byte {
	out := make([]byte, crcSize, crcSize+len(body))
	binary.BigEndian.PutUint32(out, crc32.Checksum(body, castagnoli))
	return append(out, body...)
}

// entryBody checks the CRC and gives the command's bytes, which alias data.
func entryBody(data []byte) ([]byte, error) {
	if len(data) < crcSize {
		return nil, fmt.Errorf("entry of %d bytes, want %d or more", len(data), crcSize)
	}
	want, got := binary.BigEndian.Uint32(data), crc32.Checksum(data[crcSize:], castagnoli)
	if want != got {
		return nil, fmt.Errorf("entry of %d bytes has CRC %08x, its header says %08x", len(data), got, want)
	}
	return data[crcSize:], nil
}

func decodeEntry(data []byte) (meta.Command, error) {
	body, err := entryBody(data)
	if err != nil {
		return nil, err
	}
	return meta.DecodeCommand(body)
}
