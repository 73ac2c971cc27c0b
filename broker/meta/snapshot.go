package meta

import (
	"encoding/json"
	"fmt"
	"io"
)

// imageFormat is the version of the snapshot below. A reader refuses any other.
const imageFormat = 1

// imageFile is an image as a file holds it: everything in a fixed order, so that
// two equal images are equal bytes. What can be derived is left out and rebuilt.
type imageFile struct {
	Format  int                          `json:"format"`
	Index   uint64                       `json:"index"`
	Next    Counters                     `json:"next"`
	Deleted []TopicID                    `json:"deletedTopics"`
	Nodes   []Node                       `json:"nodes"`
	Brokers map[string]map[string]string `json:"brokerConfigs"` // JSON writes keys in order
	Topics  []Topic                      `json:"topics"`
	Streams []Stream                     `json:"streams"`
	Objects []Object                     `json:"objects"`
}

// Encode writes the image as JSON. The caller makes it durable.
func (im *Image) Encode(w io.Writer) error {
	f := imageFile{
		Format: imageFormat, Index: im.index, Next: im.next, Deleted: im.deleted,
		Nodes: im.Nodes(), Brokers: im.brokers, Topics: im.Topics(), Streams: im.Streams(),
		Objects: sorted(im.objects, deref1[Object]),
	}
	if err := json.NewEncoder(w).Encode(f); err != nil {
		return fmt.Errorf("meta: writing an image: %w", err)
	}
	return nil
}

// DecodeImage reads what Encode wrote, and checks that the facts fit together:
// a snapshot that does not is refused (ErrDecode), not lived with.
func DecodeImage(r io.Reader) (*Image, error) {
	var f imageFile
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, refuse(ErrDecode, "image: %v", err)
	}
	if f.Format != imageFormat {
		return nil, refuse(ErrDecode, "image of format %d, known is %d", f.Format, imageFormat)
	}
	im := NewImage()
	im.fill(f)
	if err := im.Check(); err != nil {
		return nil, refuse(ErrDecode, "image at index %d: %v", f.Index, err)
	}
	return im, nil
}

func (im *Image) fill(f imageFile) {
	im.index, im.next, im.deleted = f.Index, f.Next, f.Deleted
	for _, n := range f.Nodes {
		im.nodes[n.ID] = n
	}
	for name, configs := range f.Brokers {
		im.brokers[name] = configs
	}
	for _, t := range f.Topics {
		im.topics[t.Name], im.names[t.ID] = &t, t.Name
	}
	for _, s := range f.Streams {
		im.streams[s.ID] = &s
	}
	for _, o := range f.Objects {
		im.objects[o.ID] = &o
	}
}

// Check says whether the facts fit together; the error names the first that
// does not.
func (im *Image) Check() error {
	streams := 0
	for _, t := range im.Topics() {
		streams += len(t.Partitions)
		if err := im.checkTopic(t); err != nil {
			return err
		}
	}
	if streams != len(im.streams) || len(im.names) != len(im.topics) {
		return fmt.Errorf("%d streams for %d partitions, %d ids for %d topics",
			len(im.streams), streams, len(im.names), len(im.topics))
	}
	for _, n := range im.Nodes() {
		if n.Epoch >= im.next.NodeEpoch || n.Previous >= n.Epoch || n.WALOpened > n.Epoch || n.WALClosed > n.WALOpened {
			return fmt.Errorf("node %+v, next epoch %d", n, im.next.NodeEpoch)
		}
	}
	return im.checkReferences()
}

func (im *Image) checkTopic(t Topic) error {
	for i, p := range t.Partitions {
		s, ok := im.streams[p.StreamID]
		if !ok || int(p.Index) != i || s.Topic != t.Name || int(s.Partition) != i || s.ID >= im.next.StreamID {
			return fmt.Errorf("topic %s: partition %d has stream %d, which is not its own", t.Name, i, p.StreamID)
		}
		if int64(p.LeaderEpoch) != s.Epoch {
			return fmt.Errorf("topic %s: partition %d at leader epoch %d, its stream at %d", t.Name, i, p.LeaderEpoch, s.Epoch)
		}
		if err := checkRanges(*s); err != nil {
			return err
		}
	}
	return nil
}

func checkRanges(s Stream) error {
	if s.Start < 0 || s.Start > s.End {
		return fmt.Errorf("stream %d: start %d, end %d", s.ID, s.Start, s.End)
	}
	at := s.Start
	for i, r := range s.Ranges {
		if i == 0 && r.Start <= s.Start && r.End > s.Start {
			at = r.Start
		}
		if r.Start != at || r.End <= r.Start {
			return fmt.Errorf("stream %d: range [%d, %d) where one from %d belongs", s.ID, r.Start, r.End, at)
		}
		at = r.End
	}
	if at != s.End {
		return fmt.Errorf("stream %d: ranges end at %d, the stream at %d", s.ID, at, s.End)
	}
	return nil
}

// checkReferences counts what refers to each object.
func (im *Image) checkReferences() error {
	live := map[int64]int{}
	for _, s := range im.streams {
		for _, r := range s.Ranges {
			live[r.ObjectID]++
		}
	}
	for _, o := range sorted(im.objects, deref1[Object]) {
		if o.LiveRanges != live[o.ID] || (o.State == Committed) != (live[o.ID] > 0) || o.ID >= im.next.ObjectID {
			return fmt.Errorf("object %d is %s with %d live ranges, %d refer to it, next id %d",
				o.ID, o.State, o.LiveRanges, live[o.ID], im.next.ObjectID)
		}
		delete(live, o.ID)
	}
	if len(live) != 0 {
		return fmt.Errorf("ranges refer to %d objects that do not exist", len(live))
	}
	return nil
}
