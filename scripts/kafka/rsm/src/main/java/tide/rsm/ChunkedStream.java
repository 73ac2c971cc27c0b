package tide.rsm;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.LongAdder;

/**
 * Part of a segment, read chunk by chunk out of the cache. One chunk is held at a time, from its first byte that is asked for
 * until the next chunk, the end or the close; opening a chunk tells the prefetcher.
 */
final class ChunkedStream extends InputStream {
  private final ChunkCache cache;
  private final Prefetcher prefetcher;
  private final Segment segment;
  private final int chunkBytes;
  private final long end; // exclusive
  private final LongAdder served;
  private long position;
  private int index = -1; // of the chunk that is held
  private ChunkCache.Chunk chunk;

  ChunkedStream(ChunkCache cache, Prefetcher prefetcher, Segment segment, int chunkBytes, long from, long to, LongAdder served) {
    this.cache = cache;
    this.prefetcher = prefetcher;
    this.segment = segment;
    this.chunkBytes = chunkBytes;
    this.position = from;
    this.end = to;
    this.served = served;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] b, int off, int len) throws IOException {
    if (position >= end) {
      return -1;
    }
    if (len == 0) {
      return 0;
    }
    open((int) (position / chunkBytes));
    int at = (int) (position - (long) index * chunkBytes);
    int n = chunk.read(ByteBuffer.wrap(b, off, (int) Math.min(Math.min(len, chunk.size - at), end - position)), at);
    if (n <= 0) {
      throw new IOException(segment.key() + " ends at " + position + ", want " + end);
    }
    position += n;
    served.add(n);
    if (position == end) {
      close(); // whoever has it all needs not say so
    }
    return n;
  }

  private void open(int wanted) throws IOException {
    if (wanted == index) {
      return;
    }
    close();
    prefetcher.reading(segment, wanted); // first, so that the GETs run side by side
    chunk = cache.acquire(segment, wanted);
    index = wanted;
  }

  @Override
  public long skip(long n) {
    long skipped = Math.max(0, Math.min(n, end - position));
    position += skipped;
    return skipped;
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
