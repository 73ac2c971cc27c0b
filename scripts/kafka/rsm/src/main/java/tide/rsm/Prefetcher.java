package tide.rsm;

import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps so many bytes ahead of every reader in the cache, across the ends of segments, with so many GETs in flight over all of
 * them. A reader is whoever opens a chunk: Kafka opens a segment anew for each fetch, so there is nothing to remember, and a
 * reader that goes away leaves no more than its last read-ahead behind.
 */
final class Prefetcher implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Prefetcher.class);

  private final ChunkCache cache;
  private final IndexCache indexes;
  private final Successors successors;
  private final int chunkBytes;
  private final long ahead;
  private final Metrics metrics;
  private final ThreadPoolExecutor pool; // its queue is bounded by the cache, which refuses what has no room

  Prefetcher(ChunkCache cache, IndexCache indexes, Successors successors, Settings settings, Metrics metrics) {
    this.cache = cache;
    this.indexes = indexes;
    this.successors = successors;
    this.chunkBytes = settings.chunkBytes();
    this.ahead = settings.prefetchBytes();
    this.metrics = metrics;
    int threads = settings.fetchThreads();
    this.pool =
        new ThreadPoolExecutor(
            threads, threads, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), Threads.named("rsm-prefetch"),
            new ThreadPoolExecutor.DiscardPolicy()); // closed: what is not loaded ahead, its reader loads
    pool.allowCoreThreadTimeOut(true);
  }

  /** A reader is about to read the chunk. It returns at once. */
  void reading(Segment s, int index) {
    if (ahead == 0 || pool.isShutdown()) {
      return;
    }
    if (successors.wantsListing(s)) {
      successors.read(s);
      metrics.one("tide_rsm_listings_total");
      pool.execute(() -> list(s));
    }
    long left = ahead;
    int next = index + 1;
    Segment at = s;
    while (left > 0) {
      if (next == at.chunks(chunkBytes)) {
        at = successors.after(at);
        next = 0;
        if (at == null) {
          return;
        }
        indexes.prefetch(at, pool);
        continue;
      }
      if (!cache.prefetch(at, next, pool)) {
        return;
      }
      left -= chunkBytes;
      next++;
    }
  }

  private void list(Segment s) {
    try {
      successors.list(s);
    } catch (IOException e) {
      LOG.warn("listing behind {}: nothing is read ahead beyond it for now", s.key(), e);
    }
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }
}
