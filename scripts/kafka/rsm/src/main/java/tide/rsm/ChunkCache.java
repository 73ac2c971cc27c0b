package tide.rsm;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Chunks of segments on the local disk, the least recently used one first to go.
 *
 * <pre>
 * acquire ──▶ there: hit                    ──▶ wait until it is loaded ──▶ read ──▶ release
 *         └─▶ not there: miss, load it here ─┘
 * prefetch ─▶ not there: load it in the pool
 * load       one ranged GET ──▶ one file, whose name is gone as soon as it is open
 * </pre>
 *
 * A file without a name ends with its last descriptor, so a crash leaves nothing behind, and a chunk that is evicted while it
 * is read stays readable. A chunk is loaded once however many want it: whoever needs one that only waits in the pool's queue
 * loads it himself, so demand never stands behind a prefetch that has not begun.
 *
 * <p>Bounds: capacity in bytes, beyond it only what readers hold or wait for (one chunk each). Chunks that were read ahead and
 * that nobody has asked for yet take half of it at most; a prefetch beyond that is refused and counted.
 */
final class ChunkCache implements Closeable {
  private record Id(String key, int index) {}

  /** One chunk. Fields that change are guarded by the cache; the file also by the end of the load. */
  final class Chunk {
    private final Id id;
    final int size;
    private final FutureTask<Void> load;
    private FileChannel file;
    private int holders = 1; // the loader is the first; with none left and out of the map, the file is closed
    private boolean gone; // out of the map
    private boolean unread; // read ahead, and not asked for yet

    private Chunk(Id id, int size) {
      this.id = id;
      this.size = size;
      this.load = new FutureTask<>(() -> load(this), null);
    }

    /** Reads from a position in the chunk on; for holders alone. */
    int read(ByteBuffer into, int at) throws IOException {
      return file.read(into, at);
    }

    private void await() throws IOException {
      try {
        load.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof UncheckedIOException f && f.getCause() instanceof ObjectStore.NotFound) {
          throw new ObjectStore.NotFound(id.key, e); // anew: it may be thrown by several readers
        }
        throw new IOException("chunk " + id.index + " of " + id.key, e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("chunk " + id.index + " of " + id.key + ": interrupted", e);
      }
    }
  }

  private static final int COPY = 256 << 10;

  private final ObjectStore store;
  private final Path dir;
  private final int chunkBytes;
  private final long capacity;
  private final Metrics metrics;
  private final AtomicLong names = new AtomicLong();

  private final Map<Id, Chunk> chunks = new LinkedHashMap<>(16, 0.75f, true); // guarded by this, as all below
  private long bytes;
  private long unreadBytes;

  ChunkCache(ObjectStore store, Path dir, int chunkBytes, long capacity, Metrics metrics) throws IOException {
    this.store = store;
    this.dir = Files.createDirectories(dir);
    this.chunkBytes = chunkBytes;
    this.capacity = capacity;
    this.metrics = metrics;
    metrics.gauge("tide_rsm_cache_bytes", this::bytes);
    metrics.gauge("tide_rsm_cache_capacity_bytes", () -> capacity);
    metrics.gauge("tide_rsm_cache_unread_bytes", this::unreadBytes);
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long unreadBytes() {
    return unreadBytes;
  }

  /** The chunk, loaded. It is to be released. */
  Chunk acquire(Segment s, int index) throws IOException {
    Chunk c;
    synchronized (this) {
      Id id = new Id(s.key(), index);
      c = chunks.get(id);
      metrics.one(c == null ? "tide_rsm_cache_misses_total" : "tide_rsm_cache_hits_total");
      if (c == null) {
        c = add(s, id);
        makeRoom(0);
      }
      asked(c);
      c.holders++;
      if (!c.load.isDone()) {
        metrics.one("tide_rsm_cache_waits_total");
      }
    }
    c.load.run(); // nothing, when somebody else has begun
    try {
      c.await();
      return c;
    } catch (IOException e) {
      release(c);
      throw e;
    }
  }

  /** Loads the chunk in the pool. It returns false when there is no room for it. */
  boolean prefetch(Segment s, int index, Executor pool) {
    Chunk c;
    synchronized (this) {
      Id id = new Id(s.key(), index);
      if (chunks.containsKey(id)) {
        return true;
      }
      int size = sizeOf(s, index);
      if (unreadBytes + size > capacity / 2 || !makeRoom(size)) {
        metrics.one("tide_rsm_prefetch_refused_total");
        return false;
      }
      c = add(s, id);
      c.unread = true;
      unreadBytes += c.size;
    }
    metrics.one("tide_rsm_prefetch_chunks_total");
    pool.execute(c.load);
    return true;
  }

  private int sizeOf(Segment s, int index) {
    return (int) Math.min(chunkBytes, s.size() - (long) index * chunkBytes);
  }

  private Chunk add(Segment s, Id id) {
    Chunk c = new Chunk(id, sizeOf(s, id.index));
    chunks.put(id, c);
    bytes += c.size;
    return c;
  }

  private void asked(Chunk c) {
    if (c.unread) {
      c.unread = false;
      unreadBytes -= c.size;
      metrics.one("tide_rsm_prefetch_used_total");
    }
  }

  /** Evicts until so many more bytes fit. What is held stays. */
  private boolean makeRoom(int more) {
    Iterator<Chunk> oldest = chunks.values().iterator();
    while (bytes + more > capacity && oldest.hasNext()) {
      Chunk c = oldest.next();
      if (c.holders == 0) {
        oldest.remove();
        removed(c);
        metrics.one("tide_rsm_cache_evictions_total");
      }
    }
    return bytes + more <= capacity;
  }

  /** The chunk has left the map. */
  private void removed(Chunk c) {
    c.gone = true;
    bytes -= c.size;
    if (c.unread) {
      c.unread = false;
      unreadBytes -= c.size;
      metrics.one("tide_rsm_prefetch_wasted_total");
    }
    if (c.holders == 0) {
      shut(c);
    }
  }

  synchronized void release(Chunk c) {
    if (--c.holders == 0 && c.gone) {
      shut(c);
    }
  }

  private static void shut(Chunk c) {
    try {
      if (c.file != null) {
        c.file.close();
      }
    } catch (IOException e) {
      // nothing is lost with it
    }
  }

  /**
   * One GET into one file. A chunk that could not be had, for whatever reason, leaves the map, and the next reader tries again.
   */
  private void load(Chunk c) {
    boolean loaded = false;
    try {
      FileChannel file = create();
      synchronized (this) {
        c.file = file; // whatever happens, it is closed with the chunk
      }
      long from = (long) c.id.index * chunkBytes;
      store.get(c.id.key, from, from + c.size, body -> copy(body, file.position(0), c.size));
      loaded = true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      if (!loaded) {
        metrics.one("tide_rsm_load_errors_total");
        spoiled(c);
      }
      release(c);
    }
  }

  /** Nobody is to find the chunk any more: its file could not be filled, or an interrupted reader has closed it. */
  synchronized void spoiled(Chunk c) {
    if (chunks.remove(c.id, c)) {
      removed(c);
    }
  }

  private FileChannel create() throws IOException {
    return FileChannel.open(
        dir.resolve(names.incrementAndGet() + ".chunk"),
        StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
  }

  private static void copy(InputStream in, FileChannel file, int size) throws IOException {
    byte[] buffer = new byte[COPY];
    int left = size;
    while (left > 0) {
      int n = in.readNBytes(buffer, 0, Math.min(COPY, left));
      if (n == 0) {
        throw new EOFException("the body ends " + left + " bytes early");
      }
      ByteBuffer b = ByteBuffer.wrap(buffer, 0, n);
      while (b.hasRemaining()) {
        file.write(b);
      }
      left -= n;
    }
  }

  /** Empties the cache, but for what is held. It returns the bytes dropped. */
  synchronized long drop() {
    long before = bytes;
    Iterator<Chunk> all = chunks.values().iterator();
    while (all.hasNext()) {
      Chunk c = all.next();
      if (c.holders == 0) {
        all.remove();
        removed(c);
      }
    }
    return before - bytes;
  }

  /** Forgets a segment that is deleted. */
  synchronized void forget(Segment s) {
    for (int i = 0; i < s.chunks(chunkBytes); i++) {
      Chunk c = chunks.remove(new Id(s.key(), i));
      if (c != null) {
        removed(c);
      }
    }
  }

  /** What is held leaves, too, and its file is closed with its last holder. */
  @Override
  public synchronized void close() {
    List<Chunk> all = new ArrayList<>(chunks.values());
    chunks.clear();
    all.forEach(this::removed);
  }
}
