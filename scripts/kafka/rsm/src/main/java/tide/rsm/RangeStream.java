package tide.rsm;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/**
 * A stream of the bytes between two positions of something longer. It has what all such streams share: bounds, single bytes,
 * skipping. Where the bytes come from is for {@link #some}. It is for one thread at a time.
 */
abstract class RangeStream extends InputStream {
  private final byte[] one = new byte[1];
  private final long end; // exclusive
  private long position;

  RangeStream(long from, long end) {
    this.position = from;
    this.end = end;
  }

  /** Reads from {@link #position} on: at least one byte, and at most len, of which there is at least one before the end. */
  abstract int some(byte[] b, int off, int len) throws IOException;

  /** The position has jumped over so many bytes. */
  void skipped(long by) throws IOException {}

  final long position() {
    return position;
  }

  final long end() {
    return end;
  }

  final long left() {
    return end - position;
  }

  @Override
  public final int read() throws IOException {
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public final int read(byte[] b, int off, int len) throws IOException {
    Objects.checkFromIndexSize(off, len, b.length);
    if (len == 0) {
      return 0;
    }
    if (left() == 0) {
      return -1;
    }
    int n = some(b, off, (int) Math.min(len, left()));
    if (n <= 0) {
      throw new EOFException("it ends at " + position + ", want " + end);
    }
    position += n;
    if (left() == 0) {
      close(); // whoever has it all needs not say so
    }
    return n;
  }

  @Override
  public final long skip(long n) throws IOException {
    long by = Math.max(0, Math.min(n, left()));
    if (by > 0) {
      position += by;
      skipped(by);
    }
    if (left() == 0) {
      close();
    }
    return by;
  }
}
