package object

// NextBatch decodes the batch at position at of a block (or group of blocks),
// stepping over the DataBlock headers before it, and returns where it begins
// and ends. start is len(block) at the end. The payload aliases block.
//
// It is for blocks that ForEachBatch has accepted: it checks no more than it
// must to stay within block, and never looks back.
func NextBatch(block []byte, at int) (b RecordBatch, start, end int, err error) {
	for at < len(block) && block[at] == blockMagic && len(block)-at >= BlockHeaderSize {
		at += BlockHeaderSize
	}
	if at >= len(block) {
		return RecordBatch{}, len(block), len(block), nil
	}
	b, n, err := decodeBatch(UnknownObject, int64(at), block[at:])
	return b, at, at + n, err
}
