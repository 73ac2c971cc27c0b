package wire

// prepare makes the active partitions what the request looks at.
func (s *fetchSession) prepare(c *conn, f *fetchRequest, version int16) {
	s.gather()
	kept := s.active[:0]
	for _, m := range s.active {
		if m.left {
			continue
		}
		m.find(c, version)
		kept = append(kept, m)
		f.look = append(f.look, &m.fetchPart)
	}
	clear(s.active[len(kept):])
	s.active = kept
}

// gather makes active what was signalled, and tells whether there is more to
// be read of any of it than when it was last looked at. A partition is looked
// at after this, so that what changes from now on is either seen or signals.
func (s *fetchSession) gather() (moved bool) {
	for _, w := range s.group.Take() {
		m := w.Of.(*member)
		if m.left || m.target == nil {
			continue
		}
		moved = moved || m.moved()
		s.activate(m)
	}
	return moved
}

// find resolves the partition if it is not known, or not here any more, and
// has it watched from then on.
func (m *member) find(c *conn, version int16) {
	if m.target != nil && m.target.Gone() != nil {
		m.unwatch()
	}
	known := m.target != nil
	m.resolve(c, &m.topic.fetchTopic, version)
	if !known && m.target != nil {
		m.target.Watch(&m.waiter)
	}
}

// settle puts into f what the answer is to hold, and decides which partitions
// the next request looks at, and in which order.
func (s *fetchSession) settle(f *fetchRequest) {
	f.topics, f.parts = f.topics[:0], f.parts[:0]
	var topic *sessionTopic
	all, kept := s.active, s.active[:0]
	for _, m := range all {
		gave := m.read != nil && m.read.Bytes > 0
		if m.news(gave) || s.full {
			if m.topic != topic {
				topic = m.topic
				f.topics = append(f.topics, fetchTopic{name: topic.name, id: topic.id, from: len(f.parts)})
			}
			f.answerWith(m)
		}
		m.read.Release()
		m.read = nil
		switch {
		case gave:
			s.gave = append(s.gave, m)
		case m.err != nil || m.offset != m.high:
			kept = append(kept, m)
		default:
			m.active = false
		}
	}
	s.active = append(kept, s.gave...) // fits: all of these were active
	clear(all[len(s.active):])
	clear(s.gave)
	s.gave, s.full = s.gave[:0], false
}

// answerWith adds the partition to the last topic of the answer, which has what
// was read from then on.
func (f *fetchRequest) answerWith(m *member) {
	f.parts = append(f.parts, m.fetchPart)
	m.read = nil
	f.topics[len(f.topics)-1].to = len(f.parts)
}

// news tells whether an answer must hold the partition, and takes note of what
// the client is told by it. Kafka's CachedPartition.maybeUpdateResponseData:
// after an error the client is told again when all is well.
func (m *member) news(gave bool) bool {
	news := gave || m.err != nil || m.high != m.toldHigh || m.logStart != m.toldFrom
	m.toldHigh, m.toldFrom = m.high, m.logStart
	if m.err != nil {
		m.toldHigh = -1
	}
	return news
}
