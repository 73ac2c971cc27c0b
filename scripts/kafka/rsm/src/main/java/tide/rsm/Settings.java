package tide.rsm;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.common.config.ConfigException;

/**
 * What the plug-in is configured with: the keys of server.properties behind {@code rsm.config.}. README.md says what each
 * is for. A key that is not known, and every number out of its bounds, is refused before the broker serves.
 *
 * @param bucket of the store; required
 * @param prefix put before every key; "" or with a slash at its end
 * @param endpoint of a server that is not AWS's; null for AWS
 * @param region signed for
 * @param pathStyle the bucket stands in the path, not in the host name
 * @param chunkBytes of one ranged GET and of one entry of the cache
 * @param cacheDir where chunks are kept; required unless cacheBytes is 0
 * @param cacheBytes on disk at most; 0: no cache, and so no prefetch
 * @param prefetchBytes read ahead of each reader; 0: none
 * @param fetchThreads GETs of the prefetch in flight at most, over all readers
 * @param partBytes of a multipart upload; what is not larger is put in one request
 * @param uploadThreads parts in flight at most, over all uploads
 * @param attempts at one request, the first one included
 * @param metricsPort on 127.0.0.1; 0: none
 */
record Settings(
    String bucket,
    String prefix,
    URI endpoint,
    String region,
    boolean pathStyle,
    int chunkBytes,
    Path cacheDir,
    long cacheBytes,
    long prefetchBytes,
    int fetchThreads,
    int partBytes,
    int uploadThreads,
    int attempts,
    int metricsPort) {

  private static final int MIB = 1 << 20;

  /** S3 refuses smaller parts, except for the last. */
  private static final int MIN_PART = 5 * MIB;

  static Settings of(Map<String, ?> configs) {
    Reader in = new Reader(configs);
    String dir = in.text("cache.dir", "");
    Settings s =
        new Settings(
            in.text("s3.bucket", ""),
            slash(in.text("s3.prefix", "")),
            in.uri("s3.endpoint"),
            in.text("s3.region", "us-east-1"),
            in.flag("s3.path.style", false),
            (int) in.number("chunk.bytes", 4 * MIB, 64 << 10, 64 * MIB),
            dir.isEmpty() ? null : Path.of(dir),
            in.number("cache.bytes", 1024L * MIB, 0, 1L << 44),
            in.number("prefetch.bytes", 16 * MIB, 0, 1L << 30),
            (int) in.number("fetch.threads", 32, 1, 1024),
            (int) in.number("upload.part.bytes", 25 * MIB, MIN_PART, 1 << 30),
            (int) in.number("upload.threads", 4, 1, 256),
            (int) in.number("attempts", 5, 1, 100),
            (int) in.number("metrics.port", 0, 0, 65535));
    if (s.bucket.isEmpty()) {
      in.fault("s3.bucket is required");
    }
    if (s.cacheBytes > 0 && s.cacheDir == null) {
      in.fault("cache.dir is required, unless cache.bytes is 0");
    }
    if (s.cacheBytes > 0 && s.cacheBytes < 2L * s.chunkBytes) {
      in.fault("cache.bytes is " + s.cacheBytes + ", want 0 or at least two chunks");
    }
    if (s.cacheBytes == 0 && s.prefetchBytes > 0) {
      in.fault("prefetch.bytes is " + s.prefetchBytes + ", but there is no cache to read ahead into: set it to 0");
    }
    in.end();
    return s;
  }

  private static String slash(String prefix) {
    return prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/";
  }

  /** Reads keys and collects faults, so that all of them are said at once. */
  private static final class Reader {
    /** Keys that Kafka itself adds to what follows the prefix. */
    private static final List<String> KAFKAS =
        List.of("broker.id", "cluster.id", "log.dirs", "log.dir", "remote.log.metadata.manager.listener.name");

    private final Map<String, ?> configs;
    private final TreeSet<String> left;
    private final List<String> faults = new ArrayList<>();

    Reader(Map<String, ?> configs) {
      this.configs = configs;
      this.left = new TreeSet<>(configs.keySet());
      KAFKAS.forEach(left::remove);
    }

    String text(String key, String standard) {
      left.remove(key);
      Object value = configs.get(key);
      return value == null ? standard : value.toString().trim();
    }

    boolean flag(String key, boolean standard) {
      String s = text(key, Boolean.toString(standard));
      if (!s.equals("true") && !s.equals("false")) {
        fault(key + " is " + s + ", want true or false");
      }
      return s.equals("true");
    }

    long number(String key, long standard, long min, long max) {
      String s = text(key, Long.toString(standard));
      try {
        long n = Long.parseLong(s);
        if (n >= min && n <= max) {
          return n;
        }
      } catch (NumberFormatException e) {
        // said below
      }
      fault(key + " is " + s + ", want a number from " + min + " to " + max);
      return standard;
    }

    URI uri(String key) {
      String s = text(key, "");
      try {
        return s.isEmpty() ? null : URI.create(s);
      } catch (IllegalArgumentException e) {
        fault(key + ": " + e.getMessage());
        return null;
      }
    }

    void fault(String what) {
      faults.add(what);
    }

    void end() {
      left.forEach(k -> fault(k + " is not a key of this plug-in"));
      if (!faults.isEmpty()) {
        throw new ConfigException("rsm.config: " + String.join("; ", faults));
      }
    }
  }
}
