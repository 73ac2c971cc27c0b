package tide.rsm;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * A port on loopback:
 *
 * <pre>
 * GET  /metrics      {@link Metrics#text}
 * POST /cache/drop   empties the chunk cache: {"dropped_bytes":N}
 * </pre>
 */
final class Admin implements Closeable {
  private final HttpServer server;
  private final ExecutorService thread = Executors.newSingleThreadExecutor(Threads.named("rsm-admin"));

  Admin(int port, Supplier<String> metrics, LongSupplier drop) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
    server.setExecutor(thread);
    server.createContext("/metrics", x -> answer(x, "GET", "text/plain; version=0.0.4", metrics));
    server.createContext(
        "/cache/drop",
        x -> answer(x, "POST", "application/json", () -> "{\"dropped_bytes\":" + drop.getAsLong() + "}\n"));
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  private static void answer(HttpExchange x, String method, String type, Supplier<String> body) throws IOException {
    try (x) {
      if (!x.getRequestMethod().equals(method)) {
        x.sendResponseHeaders(405, -1);
        return;
      }
      byte[] text = body.get().getBytes(StandardCharsets.UTF_8);
      x.getResponseHeaders().set("Content-Type", type);
      x.sendResponseHeaders(200, text.length);
      x.getResponseBody().write(text);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    thread.shutdownNow();
  }
}
