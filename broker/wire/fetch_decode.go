package wire

import "time"

func (d *decoder) fetchRequest(f *fetchRequest) {
	if d.version <= 14 {
		d.int32() // replica id; followers do not exist
	}
	f.wait = time.Duration(max(d.int32(), 0)) * time.Millisecond
	f.minBytes = int(d.int32())
	f.maxBytes = max(int(d.int32()), 0)
	f.committed = d.int8() == 1
	f.sessionID, f.epoch = 0, noSession
	if d.version >= 7 {
		f.sessionID, f.epoch = d.int32(), d.int32()
	}
	for n := d.array(); n > 0 && d.err == nil; n-- {
		d.fetchTopic(f)
	}
	if d.version >= 7 {
		d.forgotten(f)
	}
	if d.version >= 11 {
		d.string() // rack
	}
	d.endStruct()
}

func (d *decoder) fetchTopic(f *fetchRequest) {
	t := fetchTopic{from: len(f.parts)}
	d.topicKey(&t)
	for n := d.array(); n > 0 && d.err == nil; n-- {
		p := fetchPart{index: d.int32(), epoch: -1, hint: noHint}
		if d.version >= 9 {
			p.epoch = d.int32()
		}
		p.offset = d.int64()
		if d.version >= 12 {
			d.int32() // last fetched epoch: of followers
		}
		if d.version >= 5 {
			d.int64() // log start offset: of followers
		}
		p.maxBytes = max(int(d.int32()), 0)
		d.endStruct()
		f.parts = append(f.parts, p)
	}
	d.endStruct()
	t.to = len(f.parts)
	f.topics = append(f.topics, t)
}

func (d *decoder) topicKey(t *fetchTopic) {
	if d.version >= 13 {
		t.id = d.uuid()
	} else {
		t.name = d.string()
	}
}

// forgotten reads the partitions that leave a session.
func (d *decoder) forgotten(f *fetchRequest) {
	for n := d.array(); n > 0 && d.err == nil; n-- {
		t := fetchTopic{from: len(f.left)}
		d.topicKey(&t)
		for m := d.array(); m > 0 && d.err == nil; m-- {
			f.left = append(f.left, d.int32())
		}
		d.endStruct()
		t.to = len(f.left)
		f.forgotten = append(f.forgotten, t)
	}
}
