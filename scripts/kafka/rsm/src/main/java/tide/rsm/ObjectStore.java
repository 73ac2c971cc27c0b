package tide.rsm;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;

/**
 * What the plug-in asks of a store. {@link S3Store} is the real one; tests have one in memory. All methods may be called by
 * any number of threads at a time.
 */
interface ObjectStore extends Closeable {
  /** An object that is not there. */
  final class NotFound extends IOException {
    private static final long serialVersionUID = 1;

    NotFound(String key, Throwable cause) {
      super("no object " + key, cause);
    }
  }

  /** An object as a listing has it. */
  record Listed(String key, long size) {}

  /** Returns when the whole file is an object; until then there is none. */
  void put(String key, Path file) throws IOException;

  void put(String key, byte[] bytes) throws IOException;

  /**
   * The bytes from (inclusive) to (exclusive), of which there must be at least one. The caller closes the stream, and may do so
   * before its end. A body that breaks off is an error, and not asked for again.
   */
  InputStream get(String key, long from, long to) throws IOException;

  /** Where a body goes that may have to be sent again. */
  interface Sink {
    /** Takes the whole body, from its start; also when an earlier one broke off. It does not close it. */
    void take(InputStream body) throws IOException;
  }

  /** The same bytes into a sink. A body that breaks off is asked for again, like a request that failed. */
  void get(String key, long from, long to, Sink into) throws IOException;

  byte[] getAll(String key) throws IOException;

  /** Keys that begin with prefix and sort behind after, in order; at most {@link #PAGE} of them. */
  List<Listed> list(String prefix, String after) throws IOException;

  /** How many keys one listing brings at most. */
  int PAGE = 1000;

  /** An object that is not there counts as deleted. */
  void delete(String key) throws IOException;

  @Override
  void close();
}
