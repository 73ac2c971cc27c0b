package partition

// maxEpochs bounds the leader epochs remembered per partition. Every start of
// a broker adds one; a follower or client that asks for an older one is told
// what Kafka tells it about epochs before the log's start.
const maxEpochs = 128

// epochStart is where a leader epoch begins.
type epochStart struct {
	epoch int32
	start int64 // offset of the first record under it
}

// epochList holds the starts of leader epochs, oldest first. It is never
// changed in place, so a reader may keep one while the fold goes on.
type epochList []epochStart

// add returns the list after a batch under epoch at offset; l itself when it
// holds that epoch or a later one.
func (l epochList) add(epoch int32, offset int64) epochList {
	if len(l) > 0 && l[len(l)-1].epoch >= epoch {
		return l
	}
	from := max(0, len(l)+1-maxEpochs)
	next := make(epochList, 0, len(l)-from+1)
	next = append(next, l[from:]...)
	return append(next, epochStart{epoch, offset})
}

// last is the newest epoch; −1 when there is none.
func (l epochList) last() int32 {
	if len(l) == 0 {
		return -1
	}
	return l[len(l)-1].epoch
}

// at is the epoch of the record at offset; −1 when it is before the list.
func (l epochList) at(offset int64) int32 {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].start <= offset {
			return l[i].epoch
		}
	}
	return -1
}

// end answers OffsetForLeaderEpoch: the largest epoch known that is not above
// the one asked for, and where it ends. current is the leader's own epoch,
// which ends at logEnd even when nothing was appended under it yet. An epoch
// above current is unknown: −1, −1. One before the list ends, as in Kafka,
// where the list begins.
func (l epochList) end(epoch, current int32, logEnd int64) (int32, int64) {
	switch {
	case epoch > current || epoch < 0:
		return -1, -1
	case epoch == current:
		return current, logEnd
	}
	found, end := epoch, logEnd
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].epoch <= epoch {
			return l[i].epoch, end
		}
		end = l[i].start
	}
	return found, end
}
