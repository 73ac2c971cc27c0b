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
 * The index objects that were asked for last, in memory. Kafka asks for up to three indexes of a segment, one call each, and
 * keeps them in a cache of its own, on disk; this one makes a single GET of the three, and lets a prefetch have the indexes
 * there before Kafka asks.
 *
 * <p>Bounds: {@link #SEGMENTS} segments and {@link #BYTES}, the least recently used first to go. An index object has about
 * 0.5 % of its segment's size, which is 5 MiB for one of 1 GiB. The one that came last stays, however large.
 */
final class IndexCache {
  static final int SEGMENTS = 64;
  static final long BYTES = 32L << 20;

  /** One object; its fields are guarded by the cache, but for the load. */
  private final class Entry {
    private final FutureTask<Map<IndexType, byte[]>> load;
    private long bytes; // 0 until it is loaded

    private Entry(String key) {
      this.load = new FutureTask<>(() -> load(key, this));
    }
  }

  private final ObjectStore store;
  private final long capacity;
  private final Map<String, Entry> all = new LinkedHashMap<>(16, 0.75f, true); // guarded by this, as the next
  private long bytes;

  IndexCache(ObjectStore store) {
    this(store, BYTES);
  }

  IndexCache(ObjectStore store, long capacity) {
    this.store = store;
    this.capacity = capacity;
  }

  synchronized long bytes() {
    return bytes;
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
    Entry e = all.computeIfAbsent(s.indexes(), Entry::new);
    makeRoom();
    return e.load;
  }

  /** Evicts until the bounds hold, but for the newest. */
  private void makeRoom() {
    Iterator<Entry> oldest = all.values().iterator();
    while (all.size() > 1 && (all.size() > SEGMENTS || bytes > capacity)) {
      bytes -= oldest.next().bytes;
      oldest.remove();
    }
  }

  private Map<IndexType, byte[]> load(String key, Entry e) {
    boolean loaded = false;
    try {
      byte[] object = store.getAll(key);
      Map<IndexType, byte[]> indexes = Indexes.decode(key, object);
      loaded(key, e, object.length);
      loaded = true;
      return indexes;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } finally {
      if (!loaded) {
        forget(key, e); // the next one tries again
      }
    }
  }

  private synchronized void loaded(String key, Entry e, long size) {
    if (all.get(key) == e) { // it is the newest now
      e.bytes = size;
      bytes += size;
      makeRoom();
    }
  }

  private synchronized void forget(String key, Entry e) {
    if (all.remove(key, e)) {
      bytes -= e.bytes;
    }
  }

  synchronized void forget(String key) {
    Entry e = all.remove(key);
    bytes -= e == null ? 0 : e.bytes;
  }

  synchronized void clear() {
    all.clear();
    bytes = 0;
  }
}
