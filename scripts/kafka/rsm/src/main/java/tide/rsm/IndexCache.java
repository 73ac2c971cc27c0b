package tide.rsm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import org.apache.kafka.server.log.remote.storage.RemoteStorageManager.IndexType;

/**
 * The index objects of the last {@link #SEGMENTS} segments, in memory. Kafka asks for up to three indexes of a segment, one
 * call each, and keeps them in a cache of its own, on disk; this one makes a single GET of the three, and lets a prefetch have
 * the indexes there before Kafka asks.
 */
final class IndexCache {
  /** An index object has 0.5 % of its segment's size, so these are a few MiB. */
  static final int SEGMENTS = 64;

  private final ObjectStore store;
  private final Map<String, FutureTask<Map<IndexType, byte[]>>> all = new LinkedHashMap<>(16, 0.75f, true); // guarded by this

  IndexCache(ObjectStore store) {
    this.store = store;
  }

  /** The index; null: the segment has none of this type. */
  byte[] get(Segment s, IndexType type) throws IOException {
    FutureTask<Map<IndexType, byte[]>> load = task(s);
    load.run(); // nothing, when somebody else has begun
    try {
      return load.get().get(type);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UncheckedIOException f) {
        throw f.getCause();
      }
      throw new IOException(s.indexes(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(s.indexes() + ": interrupted", e);
    }
  }

  void prefetch(Segment s, Executor pool) {
    synchronized (this) {
      if (all.containsKey(s.indexes())) {
        return;
      }
    }
    pool.execute(task(s));
  }

  private synchronized FutureTask<Map<IndexType, byte[]>> task(Segment s) {
    FutureTask<Map<IndexType, byte[]>> t = all.computeIfAbsent(s.indexes(), k -> new FutureTask<>(() -> load(k)));
    Iterator<String> oldest = all.keySet().iterator();
    while (all.size() > SEGMENTS) {
      oldest.next();
      oldest.remove();
    }
    return t;
  }

  private Map<IndexType, byte[]> load(String key) {
    try {
      return Indexes.decode(key, store.getAll(key));
    } catch (IOException e) {
      forget(key); // the next one tries again
      throw new UncheckedIOException(e);
    }
  }

  synchronized void forget(String key) {
    all.remove(key);
  }

  synchronized void clear() {
    all.clear();
  }
}
