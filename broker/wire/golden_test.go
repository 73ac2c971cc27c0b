package wire

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Exchanges written down byte by byte from the protocol's definition, so that
// an error of the generated codec would not hide one of ours.
func TestGoldenBytes(t *testing.T) {
	records := hex.EncodeToString(batch(3))
	n := len(records) / 2
	stored := "0000000000000000" + records[16:] // base offset 0
	cases := []struct{ name, request, answer string }{
		{
			"ApiVersions v99",
			"0000000a 0012 0063 00000001 ffff",
			"+00000001 0023 00000014" + goldenKeys(""),
		},
		{
			"ApiVersions v0",
			"0000000a 0012 0000 00000002 ffff",
			"+00000002 0000 00000014" + goldenKeys(""),
		},
		{
			// compact name and version, tags; the answer has no header tags
			"ApiVersions v3",
			"00000011 0012 0003 00000003 0001 63 00 02 63 02 31 00",
			"+00000003 0000 15" + goldenKeys("00") + "00000000 00",
		},
		{
			"Produce v3",
			"+0000 0003 00000004 ffff ffff 0001 00007530 00000001 0001 74 00000001 00000000" + be32(n) + records,
			"+00000004 00000001 0001 74 00000001 00000000 0000 0000000000000000 ffffffffffffffff 00000000",
		},
		{
			"Produce v8, unknown partition",
			"+0000 0008 00000005 ffff ffff ffff 00007530 00000001 0001 74 00000001 00000009" + be32(n) + records,
			"+00000005 00000001 0001 74 00000001 00000009 0003 ffffffffffffffff ffffffffffffffff ffffffffffffffff 00000000" +
				be16(len(unknownText)) + hex.EncodeToString([]byte(unknownText)) + "00000000",
		},
		{
			// null transactional id, compact everything, header tags on both sides
			"Produce v9",
			"+0000 0009 00000006 ffff 00 00 ffff 00007530 02 02 74 02 00000000" + uvarint(n+1) + records + "00 00 00",
			"+00000006 00 02 02 74 02 00000000 0000 0000000000000001 ffffffffffffffff 0000000000000000 01 00 00 00 00000000 00",
		},
		{
			"Fetch v4",
			"+0001 0004 00000007 ffff ffffffff 00000000 00000001 00100000 00 00000001 0001 74 00000001 00000000 0000000000000000" + be32(n),
			"+00000007 00000000 00000001 0001 74 00000001 00000000 0000 0000000000000002 0000000000000002 00000000" + be32(n) + stored,
		},
		{
			// session 0 epoch 0 opens session 1; leader epoch −1, nothing forgotten, no rack
			"Fetch v12",
			"+0001 000c 00000008 ffff 00 ffffffff 00000000 00000001 00100000 00 00000000 00000000" +
				"02 02 74 02 00000000 ffffffff 0000000000000000 ffffffff ffffffffffffffff" + be32(n) + "00 00 01 01 00",
			"+00000008 00 00000000 0000 00000001 02 02 74 02 00000000 0000 0000000000000002 0000000000000002 0000000000000000 01 ffffffff" +
				uvarint(n+1) + stored + "00 00 00",
		},
		{
			// session 1 epoch 1, nothing changes but for the offset of the one partition, which is at its end
			"Fetch v12 within it",
			"+0001 000c 00000008 ffff 00 ffffffff 00000000 00000001 00100000 00 00000001 00000001" +
				"02 02 74 02 00000000 ffffffff 0000000000000002 ffffffff ffffffffffffffff" + be32(n) + "00 00 01 01 00",
			"+00000008 00 00000000 0000 00000001 01 00",
		},
		{
			// epoch 2: the partition is forgotten, which closes the session
			"Fetch v12 that empties it",
			"+0001 000c 00000008 ffff 00 ffffffff 00000000 00000001 00100000 00 00000001 00000002" +
				"01 02 02 74 02 00000000 00 01 00",
			"+00000008 00 00000000 0000 00000000 01 00",
		},
		{
			"Fetch v7 of a session that nobody knows",
			"+0001 0007 00000009 ffff ffffffff 00000000 00000001 00100000 00 00000005 00000002 00000000 00000000",
			"+00000009 00000000 0046 00000000 00000000",
		},
	}
	h := newHarness(t, nil)
	h.broker.topic("t", 1, 1)
	c := h.dial()
	for _, tc := range cases {
		c.t = t
		_, err := c.conn.Write(golden(t, tc.request))
		require.NoError(t, err, tc.name)
		want := golden(t, tc.answer)
		got := make([]byte, 4)
		readFull(t, c.conn, got)
		got = append(got, make([]byte, len(want)-4)...)
		readFull(t, c.conn, got[4:])
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(got), tc.name)
	}
}

// golden decodes hex with spaces; "+" stands for the length of what follows.
func golden(t *testing.T, s string) []byte {
	_, after, measured := strings.Cut(s, "+")
	if !measured {
		after = s
	}
	b, err := hex.DecodeString(strings.ReplaceAll(after, " ", ""))
	require.NoError(t, err)
	if measured {
		b = append(golden(t, be32(len(b))), b...)
	}
	return b
}

const unknownText = "This server does not host this topic-partition."

func be16(n int) string { return be32(n)[4:] }

func be32(n int) string {
	return hex.EncodeToString([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// uvarint is for numbers of one or two groups of seven bits.
func uvarint(n int) string {
	if n < 128 {
		return hex.EncodeToString([]byte{byte(n)})
	}
	return hex.EncodeToString([]byte{byte(n)&0x7f | 0x80, byte(n >> 7)})
}

// goldenKeys is what kafka.md promises, each entry followed by tags.
func goldenKeys(tags string) string {
	var all string
	for _, e := range []string{
		"0000 0000 000d", "0001 0004 0012", "0002 0001 000b", "0003 0000 000d", "0008 0002 000a", "0009 0001 000a",
		"000a 0000 0006", "000b 0000 0009", "000c 0000 0004", "000d 0000 0005", "000e 0000 0005", "000f 0000 0006",
		"0010 0000 0005", "0012 0000 0004", "0013 0002 0007", "0014 0001 0006", "0015 0000 0002", "0016 0000 0005", "0020 0001 0004", "002a 0000 0002",
	} {
		all += e + tags
	}
	return all
}
