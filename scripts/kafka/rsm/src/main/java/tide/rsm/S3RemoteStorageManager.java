package tide.rsm;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.server.log.remote.storage.LogSegmentData;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata.CustomMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteResourceNotFoundException;
import org.apache.kafka.server.log.remote.storage.RemoteStorageException;
import org.apache.kafka.server.log.remote.storage.RemoteStorageManager;

/**
 * KIP-405 over S3, made to be a strong rival: see README.md.
 *
 * <pre>
 * copy    segment ─▶ multipart PUT;  its indexes ─▶ one PUT;  both there: done
 * fetch   position ─▶ chunk ─▶ disk cache ─▶ hit, or one ranged GET
 *                     └─▶ 16 MiB behind it are loaded meanwhile, into the next segments too
 * index   one GET brings all of a segment's, prefetched with its chunks
 * delete  both objects, and what the caches hold of them
 * </pre>
 */
public final class S3RemoteStorageManager implements RemoteStorageManager {
  private final Metrics metrics = new Metrics();
  private Settings settings;
  private ObjectStore store;
  private ChunkCache cache; // null: none
  private IndexCache indexes;
  private Successors successors;
  private Prefetcher prefetcher; // null without a cache
  private Admin admin; // null: none

  /** Kafka makes it so, and then calls {@link #configure}. */
  public S3RemoteStorageManager() {}

  /** For tests: a store that is there already. */
  S3RemoteStorageManager(ObjectStore store) {
    this.store = store;
  }

  @Override
  public void configure(Map<String, ?> configs) {
    settings = Settings.of(configs);
    if (store == null) {
      store = s3();
    }
    indexes = new IndexCache(store);
    successors = new Successors(store);
    try {
      if (settings.cacheBytes() > 0) {
        cache = new ChunkCache(store, settings.cacheDir(), settings.chunkBytes(), settings.cacheBytes(), metrics);
        prefetcher = new Prefetcher(cache, indexes, successors, settings, metrics);
      }
      if (settings.metricsPort() > 0) {
        admin = new Admin(settings.metricsPort(), metrics::text, this::drop);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A store that answers, or Kafka would serve, keep every segment on its disk and say so in its log alone. */
  private S3Store s3() {
    S3Store s3 = new S3Store(settings, metrics);
    try {
      s3.check();
      return s3;
    } catch (IOException e) {
      s3.close();
      throw new ConfigException(
          "the remote store does not answer: " + e.getMessage()
              + ": look at rsm.config.s3.bucket, s3.endpoint, s3.region and s3.path.style, and at the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)");
    }
  }

  private long drop() {
    indexes.clear();
    return cache == null ? 0 : cache.drop();
  }

  Metrics metrics() {
    return metrics;
  }

  @Override
  public Optional<CustomMetadata> copyLogSegmentData(RemoteLogSegmentMetadata m, LogSegmentData data)
      throws RemoteStorageException {
    Segment s = Segment.of(settings.prefix(), m);
    try {
      store.put(s.indexes(), Indexes.encode(data));
      store.put(s.key(), data.logSegment());
    } catch (IOException e) {
      throw failed(s, e);
    }
    metrics.one("tide_rsm_segments_copied_total");
    successors.uploaded(s);
    return Optional.empty();
  }

  @Override
  public InputStream fetchLogSegment(RemoteLogSegmentMetadata m, int from) throws RemoteStorageException {
    return stream(m, from, m.segmentSizeInBytes());
  }

  /** The end is inclusive, and may lie behind the segment's. The first chunk is there when this returns. */
  @Override
  public InputStream fetchLogSegment(RemoteLogSegmentMetadata m, int from, int end) throws RemoteStorageException {
    return stream(m, from, Math.min(end + 1L, m.segmentSizeInBytes()));
  }

  private InputStream stream(RemoteLogSegmentMetadata m, int from, long to) throws RemoteStorageException {
    Segment s = Segment.of(settings.prefix(), m);
    if (from < 0 || from > to) {
      throw new RemoteStorageException(s.key() + ": from " + from + " to " + to + " of " + s.size() + " bytes");
    }
    metrics.one("tide_rsm_fetches_total");
    try {
      return cache == null
          ? new PlainStream(store, s, settings.chunkBytes(), from, to, metrics.served()).open()
          : new ChunkedStream(cache, prefetcher, s, settings.chunkBytes(), from, to, metrics.served()).open();
    } catch (IOException e) {
      throw failed(s, e);
    }
  }

  @Override
  public InputStream fetchIndex(RemoteLogSegmentMetadata m, IndexType type) throws RemoteStorageException {
    Segment s = Segment.of(settings.prefix(), m);
    try {
      byte[] index = indexes.get(s, type);
      if (index == null) {
        throw new RemoteResourceNotFoundException(s.indexes() + " has no " + type);
      }
      return new ByteArrayInputStream(index);
    } catch (IOException e) {
      throw failed(s, e);
    }
  }

  @Override
  public void deleteLogSegmentData(RemoteLogSegmentMetadata m) throws RemoteStorageException {
    Segment s = Segment.of(settings.prefix(), m);
    successors.remove(s);
    indexes.forget(s.indexes());
    if (cache != null) {
      cache.forget(s);
    }
    try {
      store.delete(s.key());
      store.delete(s.indexes());
    } catch (IOException e) {
      throw failed(s, e);
    }
  }

  private static RemoteStorageException failed(Segment s, IOException e) {
    return e instanceof ObjectStore.NotFound
        ? new RemoteResourceNotFoundException(s.key(), e)
        : new RemoteStorageException(s.key(), e);
  }

  @Override
  public void close() {
    if (admin != null) {
      admin.close();
    }
    if (prefetcher != null) {
      prefetcher.close();
    }
    if (cache != null) {
      cache.close();
    }
    if (store != null) {
      store.close();
    }
  }
}
