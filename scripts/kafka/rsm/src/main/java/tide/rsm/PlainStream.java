package tide.rsm;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.LongAdder;

/** Part of a segment without any cache: ranged GETs of one chunk each, one behind the other. What is not read is dropped. */
final class PlainStream extends RangeStream {
  private final ObjectStore store;
  private final Segment segment;
  private final int chunkBytes;
  private final LongAdder served;
  private InputStream body;
  private long bodyEnd; // where the body ends

  PlainStream(ObjectStore store, Segment segment, int chunkBytes, long from, long to, LongAdder served) {
    super(from, to);
    this.store = store;
    this.segment = segment;
    this.chunkBytes = chunkBytes;
    this.served = served;
  }

  /** Begins the first GET, so that a segment that is not there is told at once. */
  PlainStream open() throws IOException {
    if (left() > 0) {
      next();
    }
    return this;
  }

  @Override
  int some(byte[] b, int off, int len) throws IOException {
    if (body == null) {
      next();
    }
    int n = body.read(b, off, (int) Math.min(len, bodyEnd - position()));
    served.add(Math.max(n, 0));
    if (position() + n == bodyEnd) {
      close();
    }
    return n;
  }

  private void next() throws IOException {
    bodyEnd = Math.min(end(), position() + chunkBytes);
    body = store.get(segment.key(), position(), bodyEnd);
  }

  @Override
  void skipped(long by) throws IOException {
    close();
  }

  @Override
  public void close() throws IOException {
    if (body != null) {
      body.close();
    }
    body = null;
  }
}
