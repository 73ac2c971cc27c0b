package wire

import "time"

// Produce, v0–13
//
// v0–2 carry message formats 0 and 1, which nobody stores any more (KIP-896).
// They are advertised because librdkafka up to 2.x asks for them before it
// believes that a broker is recent, and answered UNSUPPORTED_VERSION for each
// partition.
//
//	v1   throttle time in the answer
//	v2   log append time in the answer
//	v3   transactional id; record batches of magic 2 (KIP-98)
//	v5   log start offset in the answer (KIP-107)
//	v7   zstd (KIP-110)
//	v8   errors of single records, error message (KIP-467)
//	v9   flexible
//	v10  leader hints (KIP-951)
//	v12  the transaction need not have been announced (KIP-890)
//	v13  topic ids in place of names (KIP-516)
//
// Internal topics are INVALID_TOPIC_EXCEPTION to clients: the group coordinator
// writes __consumer_offsets through its partition, and would trip over a record
// of anybody else.
//
// acks 1 and −1 are the same: answered when durable. acks 0 has no answer; an
// error then closes the connection, which is how Kafka tells such a client.

const keyProduce = 0

func init() {
	register(&api{name: "Produce", key: keyProduce, min: 0, max: 13, flexible: 9, serve: serveProduce})
}

// produceHead is what precedes the topics of a request.
type produceHead struct {
	transactional bool
	acks          int16
	timeout       time.Duration
}

func (d *decoder) produceHead() (h produceHead) {
	if d.version >= 3 {
		h.transactional = len(d.string()) > 0
	}
	h.acks = d.int16()
	h.timeout = time.Duration(max(d.int32(), 1)) * time.Millisecond
	return h
}

func serveProduce(c *conn, r *request) error {
	// The body is walked twice: nothing may be appended of a request whose end
	// turns out to be broken.
	check := newDecoder(r)
	check.eachBatch(check.produceHead(), nil, nil)
	if check.err != nil {
		return check.err
	}
	a := produceAnswers.Get().(*produceAnswer)
	a.c, a.correlation, a.version = c, r.correlation, r.version
	d := newDecoder(r)
	a.flexible = d.flexible
	head := d.produceHead()
	a.silent = head.acks == 0
	// One more than the partitions: it cannot become ready before all of them
	// have been handed on.
	a.pending.Store(1)
	c.patience.at = time.Now().Add(head.timeout)
	d.eachBatch(head, a, &c.patience)
	c.patience.stop()
	if !a.silent {
		c.push(a)
	}
	a.finish()
	return nil
}

// eachBatch walks topics and partitions; with a nil answer it only checks.
func (d *decoder) eachBatch(head produceHead, a *produceAnswer, ctx *deadline) {
	for topics := d.array(); topics > 0 && d.err == nil; topics-- {
		var name []byte
		var id [16]byte
		if d.version >= 13 {
			id = d.uuid()
		} else {
			name = d.string()
		}
		if a != nil {
			a.addTopic(name, id)
		}
		for parts := d.array(); parts > 0 && d.err == nil; parts-- {
			index, records := d.int32(), d.bytes()
			d.endStruct()
			if a != nil && d.err == nil {
				a.append(ctx, head, name, id, index, records)
			}
		}
		d.endStruct()
	}
	d.endStruct()
}
