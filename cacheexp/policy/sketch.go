package policy

// sketch estimates how often keys were asked for lately: TinyLFU's filter
// (Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission
// Policy", ACM TOS 2017). A key's first request only enters it in the
// doorkeeper, a Bloom filter; later ones count in a count-min sketch of 4-bit
// counters, laid out as Caffeine's: all four counters of a key in one cache
// line.
//
//	hash ─▶ block of 8 words ─▶ row r: word 2r or 2r+1, one of its 16 counters
//	     ─▶ doorkeeper: two bits of one word
//
// When ten requests were counted for each key that the sketch is for, all
// counters are halved and the doorkeeper is emptied: what is old fades.
type sketch struct {
	counters []uint64 // a power of two of words, 8 a block
	door     []uint64 // as many words as blocks ×4
	counted  int      // requests since the last halving
	sample   int      // requests to the next one
}

const (
	sketchBlock   = 8  // words: a cache line
	sketchRows    = 4  // counters of a key
	sketchPeriod  = 10 // requests for each key between halvings
	sketchFirst   = 64 // keys that it is made for at first
	sketchLowBits = 0x7777_7777_7777_7777
)

func newSketch() sketch {
	return sketch{
		counters: make([]uint64, sketchFirst),
		door:     make([]uint64, sketchFirst/2),
		sample:   sketchPeriod * sketchFirst,
	}
}

// ensure makes the sketch large enough for n keys. Each half of a doubled
// sketch is the whole of the old one, so that no estimate changes.
func (s *sketch) ensure(n int) {
	for len(s.counters) < n {
		s.counters = append(s.counters, s.counters...)
		s.door = append(s.door, s.door...)
		s.sample *= 2
	}
}

// counter of a row: which word, and which bit its four begin at.
func (s *sketch) counter(h uint64, row uint) (word, shift uint) {
	block := uint(h) & uint(len(s.counters)/sketchBlock-1) * sketchBlock
	b := uint(h>>32) >> (8 * row)
	return block + 2*row + b&1, b >> 1 & 15 * 4
}

// bits of the doorkeeper.
func (s *sketch) bits(h uint64) (word uint, mask uint64) {
	h *= 0x9e3779b97f4a7c15 // other bits than those of the counters
	h ^= h >> 32
	return uint(h) & uint(len(s.door)-1), 1<<(h>>52&63) | 1<<(h>>58)
}

// add counts a request.
func (s *sketch) add(h uint64) {
	if s.counted++; s.counted >= s.sample {
		s.halve()
	}
	if word, mask := s.bits(h); s.door[word]&mask != mask {
		s.door[word] |= mask
		return
	}
	for row := range uint(sketchRows) {
		word, shift := s.counter(h, row)
		one := uint64(1)
		if s.counters[word]>>shift&15 == 15 { // no jump, which would be guessed wrong half of the time
			one = 0
		}
		s.counters[word] += one << shift
	}
}

// estimate is how often the key was asked for, at most 16.
func (s *sketch) estimate(h uint64) int {
	least := uint64(15)
	for row := range uint(sketchRows) {
		word, shift := s.counter(h, row)
		least = min(least, s.counters[word]>>shift&15)
	}
	if word, mask := s.bits(h); s.door[word]&mask == mask {
		least++
	}
	return int(least)
}

func (s *sketch) halve() {
	for i, w := range s.counters {
		s.counters[i] = w >> 1 & sketchLowBits
	}
	clear(s.door)
	s.counted /= 2
}
