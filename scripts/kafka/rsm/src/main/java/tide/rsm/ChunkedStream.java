package tide.rsm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.atomic.LongAdder;

/**
 * Part of a segment, read chunk by chunk out of the cache. One chunk is held at a time, from its first byte that is asked for
 * until the next chunk, the end or the close; opening a chunk tells the prefetcher.
 */
final class ChunkedStream extends RangeStream {
  private final ChunkCache cache;
  private final Prefetcher prefetcher;
  private final Segment segment;
  private final int chunkBytes;
  private final LongAdder served;
  private int index = -1; // of the chunk that is held
  private ChunkCache.Chunk chunk;

  ChunkedStream(ChunkCache cache, Prefetcher prefetcher, Segment segment, int chunkBytes, long from, long to, LongAdder served) {
    super(from, to);
    this.cache = cache;
    this.prefetcher = prefetcher;
    this.segment = segment;
    this.chunkBytes = chunkBytes;
    this.served = served;
  }

  /** Has the first chunk loaded, so that a segment that is not there is told at once. */
  ChunkedStream open() throws IOException {
    if (left() > 0) {
      hold((int) (position() / chunkBytes));
    }
    return this;
  }

  @Override
  int some(byte[] b, int off, int len) throws IOException {
    hold((int) (position() / chunkBytes));
    int at = (int) (position() - (long) index * chunkBytes);
    try {
      int n = chunk.read(ByteBuffer.wrap(b, off, Math.min(len, chunk.size - at)), at);
      served.add(Math.max(n, 0));
      return n;
    } catch (ClosedChannelException e) {
      cache.spoiled(chunk);
      throw e;
    }
  }

  private void hold(int wanted) throws IOException {
    if (wanted == index) {
      return;
    }
    close();
    prefetcher.reading(segment, wanted); // first, so that the GETs run side by side
    chunk = cache.acquire(segment, wanted);
    index = wanted;
  }

  @Override
  public void close() {
    if (chunk != null) {
      cache.release(chunk);
    }
    chunk = null;
    index = -1;
  }
}
