package wire

import "github.com/tidelog/tide/broker/meta"

// update takes over what a request says of the partitions; false: there are
// too many, and the session is of no use any more.
func (s *fetchSession) update(f *fetchRequest) bool {
	for i := range f.topics {
		t := &f.topics[i]
		for j := t.from; j < t.to; j++ {
			if !s.set(t, &f.parts[j]) {
				return false
			}
		}
	}
	for i := range f.forgotten {
		t := &f.forgotten[i]
		topic := s.topic(t)
		for j := t.from; j < t.to && topic != nil; j++ {
			s.remove(s.parts[memberKey{topic, f.left[j]}])
		}
	}
	return true
}

// topic finds a topic without allocating; nil: none of the session's.
func (s *fetchSession) topic(t *fetchTopic) *sessionTopic {
	if s.byID {
		return s.topics[string(t.id[:])]
	}
	return s.topics[string(t.name)]
}

// set adds a partition or changes what is wanted of it; false: no room.
func (s *fetchSession) set(t *fetchTopic, p *fetchPart) bool {
	topic := s.topic(t)
	m := s.parts[memberKey{topic, p.index}]
	if m == nil {
		if m = s.add(topic, t, p); m == nil {
			return false
		}
	}
	m.epoch, m.offset, m.maxBytes = p.epoch, p.offset, p.maxBytes
	s.activate(m)
	return true
}

// add makes a member, of a topic that may be new; nil: no room. A name that is
// too long for a topic would cost more than a member is counted for.
func (s *fetchSession) add(topic *sessionTopic, t *fetchTopic, p *fetchPart) *member {
	if len(t.name) > meta.MaxTopicName {
		return nil
	}
	if len(s.parts) == s.paid {
		if !take(&s.counts.parts, 1, s.limit) {
			return nil
		}
		s.paid++
	}
	if topic == nil {
		topic = &sessionTopic{key: string(t.name)}
		if topic.id = t.id; s.byID {
			topic.key = string(t.id[:])
		} else {
			topic.name = []byte(topic.key)
		}
		s.topics[topic.key] = topic
	}
	topic.parts++
	m := &member{topic: topic, toldHigh: -1, toldFrom: -1}
	m.fetchPart = fetchPart{index: p.index, hint: noHint}
	s.group.Init(&m.waiter, m)
	s.parts[memberKey{topic, p.index}] = m
	return m
}

// remove takes a partition out of the session; nil: there is none.
func (s *fetchSession) remove(m *member) {
	if m == nil {
		return
	}
	m.unwatch()
	m.left = true
	delete(s.parts, memberKey{m.topic, m.index})
	if m.topic.parts--; m.topic.parts == 0 {
		delete(s.topics, m.topic.key)
	}
}

func (m *member) unwatch() {
	if m.target != nil {
		m.target.Unwatch(&m.waiter)
		m.target = nil
	}
}

func (s *fetchSession) activate(m *member) {
	if !m.active {
		m.active = true
		s.active = append(s.active, m)
	}
}
