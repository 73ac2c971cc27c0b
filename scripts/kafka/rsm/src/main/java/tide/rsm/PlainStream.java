package tide.rsm;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.LongAdder;

/** Part of a segment without any cache: ranged GETs of one chunk each, one behind the other. What is not read is dropped. */
final class PlainStream extends InputStream {
  private final ObjectStore store;
  private final Segment segment;
  private final int chunkBytes;
  private final long end; // exclusive
  private final LongAdder served;
  private long position;
  private InputStream body;

  PlainStream(ObjectStore store, Segment segment, int chunkBytes, long from, long to, LongAdder served) {
    this.store = store;
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
    while (position < end) {
      if (body == null) {
        body = store.get(segment.key(), position, Math.min(end, position + chunkBytes));
      }
      int n = body.read(b, off, len);
      if (n >= 0) {
        position += n;
        served.add(n);
        return n;
      }
      close();
    }
    return -1;
  }

  @Override
  public void close() throws IOException {
    if (body != null) {
      body.close();
    }
    body = null;
  }
}
