package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fill sets every field of a request to something random that every version
// can carry, arrays to up to two elements.
func fill(v reflect.Value, rnd *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), rnd)
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Version" && name != "UnknownTags" {
				fill(v.Field(i), rnd)
			}
		}
	case reflect.Slice:
		n := rnd.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rnd)
		}
	case reflect.String:
		v.SetString("s" + strconv.Itoa(rnd.IntN(1000)))
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 1)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rnd.Int64N(100))
	case reflect.Uint8:
		v.SetUint(rnd.Uint64N(256))
	}
}

// eachVersion calls fn for all keys and versions that are served.
func eachVersion(t *testing.T, fn func(t *testing.T, a *api, version int16)) {
	for _, a := range apis {
		if a == nil {
			continue
		}
		for version := a.min; version <= a.max; version++ {
			t.Run(a.name+"/v"+strconv.Itoa(int(version)), func(t *testing.T) { fn(t, a, version) })
		}
	}
}

func randomRequest(a *api, version int16, rnd *rand.Rand) kmsg.Request {
	req := kmsg.RequestForKey(a.key)
	fill(reflect.ValueOf(req).Elem(), rnd)
	req.SetVersion(version)
	return req
}

// check walks a body as its key does.
func check(a *api, version int16, body []byte) (rest []byte, err error) {
	r := request{api: a, version: version, body: body}
	switch a.key {
	case keyProduce:
		d := newDecoder(&r)
		d.eachBatch(d.produceHead(), nil, nil)
		return d.src, d.err
	case keyFetch:
		d := newDecoder(&r)
		d.fetchRequest(new(fetchRequest))
		return d.src, d.err
	}
	w := walker{src: body, version: version, flexible: a.isFlexible(version)}
	w.record(a.body)
	return w.src, w.err
}

func TestShapesAreThoseOfTheGeneratedCodec(t *testing.T) {
	eachVersion(t, func(t *testing.T, a *api, version int16) {
		rnd := rand.New(rand.NewPCG(1, uint64(version)))
		require.LessOrEqual(t, a.max, kmsg.RequestForKey(a.key).MaxVersion())
		for range 50 {
			req := randomRequest(a, version, rnd)
			require.Equal(t, req.IsFlexible(), a.isFlexible(version))
			body := req.AppendTo(nil)
			rest, err := check(a, version, body)
			require.NoError(t, err)
			require.Empty(t, rest, "bytes that the shape does not know")
			for n := range body {
				if _, err := check(a, version, body[:n:n]); err == nil {
					require.NoError(t, req.ResponseKind().RequestKind().ReadFrom(body[:n]), "cut at %d of %d", n, len(body))
				}
			}
		}
	})
}

func TestShapeSkipsTagsAndRefusesTooMany(t *testing.T) {
	heartbeat := lookup(12)
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version = 4
	req.UnknownTags.Set(7, []byte("later"))
	body := req.AppendTo(nil)
	rest, err := check(heartbeat, 4, body)
	require.NoError(t, err)
	require.Empty(t, rest)

	// Four billion tags announced, none there.
	req.UnknownTags = kmsg.Tags{}
	body = req.AppendTo(nil)
	body = append(body[:len(body)-1], 0xff, 0xff, 0xff, 0xff, 0x0f)
	_, err = check(heartbeat, 4, body)
	require.ErrorIs(t, err, errShort)
}

func TestShapeRefusesLengths(t *testing.T) {
	cases := []struct {
		name string
		key  int16
		v    int16
		body []byte
		want error
	}{
		{"array longer than the body", 3, 1, []byte{0x7f, 0xff, 0xff, 0xff}, errShort},
		{"negative array", 3, 1, []byte{0xff, 0xff, 0xff, 0xfe}, errLength},
		{"string longer than the body", 10, 0, []byte{0x7f, 0xff, 'a'}, errShort},
		{"varint without an end", 3, 9, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, errShort},
		{"varint of 33 bits", 3, 9, []byte{0xff, 0xff, 0xff, 0xff, 0x1f}, errShort},
		{"more elements than allowed", 3, 1, append(binary.BigEndian.AppendUint32(nil, maxElements+1), make([]byte, 2*maxElements+2)...), errElements},
		{"empty", 3, 1, nil, errShort},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := check(lookup(c.key), c.v, c.body)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestFetchDecoderReadsWhatTheGeneratedOneDoes(t *testing.T) {
	a := lookup(keyFetch)
	for version := a.min; version <= a.max; version++ {
		rnd := rand.New(rand.NewPCG(2, uint64(version)))
		for range 50 {
			req := randomRequest(a, version, rnd).(*kmsg.FetchRequest)
			d := newDecoder(&request{api: a, version: version, body: req.AppendTo(nil)})
			var f fetchRequest
			d.fetchRequest(&f)
			require.NoError(t, d.err)
			require.EqualValues(t, req.MinBytes, f.minBytes)
			require.EqualValues(t, req.MaxBytes, f.maxBytes)
			require.EqualValues(t, req.MaxWaitMillis, f.wait.Milliseconds())
			require.Equal(t, req.IsolationLevel == 1, f.committed)
			require.Len(t, f.topics, len(req.Topics))
			for i, topic := range req.Topics {
				if version >= 13 {
					require.Equal(t, topic.TopicID, f.topics[i].id)
				} else {
					require.Equal(t, topic.Topic, string(f.topics[i].name))
				}
				parts := f.parts[f.topics[i].from:f.topics[i].to]
				require.Len(t, parts, len(topic.Partitions))
				for j, p := range topic.Partitions {
					require.Equal(t, p.Partition, parts[j].index)
					require.Equal(t, p.FetchOffset, parts[j].offset)
					require.EqualValues(t, p.PartitionMaxBytes, parts[j].maxBytes)
					if version >= 9 {
						require.Equal(t, p.CurrentLeaderEpoch, parts[j].epoch)
					}
				}
			}
		}
	}
}
