package tide.rsm;

import java.io.IOException;
import java.io.InputStream;

/**
 * The next so many bytes of another stream, which it closes. Closed before that, it drops what carries them instead of reading
 * on to their end.
 */
final class Bounded extends RangeStream {
  private final InputStream in;
  private final Runnable abort;

  Bounded(InputStream in, long size, Runnable abort) {
    super(0, size);
    this.in = in;
    this.abort = abort;
  }

  @Override
  int some(byte[] b, int off, int len) throws IOException {
    return in.read(b, off, len);
  }

  @Override
  void skipped(long by) throws IOException {
    in.skipNBytes(by);
  }

  @Override
  public void close() throws IOException {
    if (left() > 0) {
      abort.run();
    }
    in.close();
  }
}
