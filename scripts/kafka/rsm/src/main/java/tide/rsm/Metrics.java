package tide.rsm;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;

/**
 * What the plug-in has done, in the text form of Prometheus. Requests and bytes have the names that tide's own broker gives
 * them, so that whoever reads a result compares like with like; what only this plug-in has is called {@code tide_rsm_…}.
 */
final class Metrics {
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final Map<String, LongSupplier> gauges = new ConcurrentHashMap<>();

  Metrics() {
    for (String op : new String[] {"put", "get"}) { // there from the first reading on
      add("tide_objstore_requests_total{op=\"" + op + "\"}", 0);
      add("tide_objstore_bytes_total{op=\"" + op + "\"}", 0);
    }
  }

  void add(String sample, long n) {
    counters.computeIfAbsent(sample, k -> new LongAdder()).add(n);
  }

  void one(String sample) {
    add(sample, 1);
  }

  void gauge(String sample, LongSupplier value) {
    gauges.put(sample, value);
  }

  long get(String sample) {
    LongAdder a = counters.get(sample);
    return a == null ? 0 : a.sum();
  }

  /** An object of so many bytes was put, in one request or in parts. */
  void put(long bytes) {
    one("tide_objstore_requests_total{op=\"put\"}");
    add("tide_objstore_bytes_total{op=\"put\"}", bytes);
  }

  void got(long bytes) {
    one("tide_objstore_requests_total{op=\"get\"}");
    add("tide_objstore_bytes_total{op=\"get\"}", bytes);
  }

  /** Bytes handed to Kafka out of objects. */
  LongAdder served() {
    return counters.computeIfAbsent("tide_stream_fetch_bytes_total{source=\"object\"}", k -> new LongAdder());
  }

  /** Counts what is really read of a GET's body, by bytes alone: one GET may need several. */
  InputStream counting(InputStream body) {
    LongAdder bytes = counters.get("tide_objstore_bytes_total{op=\"get\"}");
    return new FilterInputStream(body) {
      @Override
      public int read() throws IOException {
        int b = super.read();
        bytes.add(b < 0 ? 0 : 1);
        return b;
      }

      @Override
      public int read(byte[] b, int off, int len) throws IOException {
        int n = super.read(b, off, len);
        bytes.add(Math.max(n, 0));
        return n;
      }
    };
  }

  /** Counts every attempt at a request, by the SDK's name of the operation. */
  ExecutionInterceptor attempts() {
    return new ExecutionInterceptor() {
      @Override
      public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
        one("tide_objstore_attempts_total{op=\"" + attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME) + "\"}");
      }

      @Override
      public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
        int status = context.httpResponse().statusCode();
        if (status == 503 || status == 429) {
          one("tide_objstore_throttles_total{op=\"" + attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME) + "\"}");
        }
      }
    };
  }

  String text() {
    Map<String, Long> all = new TreeMap<>();
    counters.forEach((k, v) -> all.put(k, v.sum()));
    gauges.forEach((k, v) -> all.put(k, v.getAsLong()));
    StringBuilder out = new StringBuilder();
    String last = "";
    for (Map.Entry<String, Long> e : all.entrySet()) {
      String name = e.getKey().replaceFirst("\\{.*", "");
      if (!name.equals(last)) {
        out.append("# TYPE ").append(name).append(name.endsWith("_total") ? " counter\n" : " gauge\n");
        last = name;
      }
      out.append(e.getKey()).append(' ').append(e.getValue()).append('\n');
    }
    return out.toString();
  }
}
