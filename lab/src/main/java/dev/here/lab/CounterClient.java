package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import tools.jackson.databind.json.JsonMapper;

/**
 * The client of the guest's service: counts requests on one long TCP connection and checks that
 * none is lost or repeated. Runs inside the lab's namespaces; {@link LabClient} starts and steers
 * it.
 *
 * <p>Arguments: address, port, pause between requests in milliseconds, patience for an answer in
 * milliseconds. Standard input: {@code ask REQUEST} puts a request to the service on a connection
 * of its own; {@code mark} measures the longest time between two answers anew; {@code finish}, or
 * the end of input, ends the counting. Standard output: one JSON object a line, {@code
 * {"type":"progress"|"answer"|"summary",...}}.
 */
public final class CounterClient {
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final JsonMapper json = JsonMapper.builder().build();
  private final CounterTally tally = new CounterTally();
  private final AtomicBoolean finished = new AtomicBoolean();
  private final AtomicBoolean marked = new AtomicBoolean();
  private final PrintStream out;
  private final String host;
  private final int port;
  private final int patienceMillis;

  private CounterClient(String host, int port, int patienceMillis, PrintStream out) {
    this.host = host;
    this.port = port;
    this.patienceMillis = patienceMillis;
    this.out = out;
  }

  /** Runs until told to finish, or until the connection is lost. */
  public static void main(String[] arguments) {
    CounterClient client =
        new CounterClient(
            arguments[0],
            Integer.parseInt(arguments[1]),
            Integer.parseInt(arguments[3]),
            System.out);
    Thread.ofPlatform().daemon().start(client::steer);
    client.count(Long.parseLong(arguments[2]));
    System.exit(0);
  }

  private void print(String type, Object value) {
    String line = json.writeValueAsString(Map.of("type", type, "value", value));
    synchronized (out) {
      out.println(line);
      out.flush();
    }
  }

  private void count(long pauseMillis) {
    String failure = "";
    try (GuestConnection connection = new GuestConnection(host, port, patienceMillis)) {
      String boot = connection.ask("boot");
      long nextProgress = System.nanoTime();
      while (!finished.get()) {
        if (System.nanoTime() < nextProgress) {
          request(connection);
        } else {
          request(connection, "uptime", "boot");
          uptime(connection);
          print("progress", tally.summary(""));
          nextProgress = System.nanoTime() + PROGRESS_NANOS;
        }
        TimeUnit.MILLISECONDS.sleep(pauseMillis);
      }
      tally.uptime(connection.ask("uptime"), boot, System.nanoTime());
    } catch (IOException | LabException | NumberFormatException e) {
      failure = "after request %d: %s".formatted(tally.nextRequest() - 1, e);
    } catch (InterruptedException e) {
      failure = "interrupted";
    }
    print("summary", tally.summary(failure));
  }

  /** The answers to what went along: they may come an epoch apart and must not count as one gap. */
  private void uptime(GuestConnection connection) throws IOException {
    String uptime = connection.receive();
    long answered = heard();
    String boot = connection.receive();
    heard();
    tally.uptime(uptime, boot, answered);
  }

  private long heard() {
    markIfTold();
    long now = System.nanoTime();
    tally.heard(now);
    return now;
  }

  /** With an answer and not before: the gap that is open when a mark comes belongs to it. */
  private void markIfTold() {
    if (marked.getAndSet(false)) {
      tally.mark();
    }
  }

  /** What else is asked goes along: where an answer takes an epoch, three would take three. */
  private void request(GuestConnection connection, String... more) throws IOException {
    List<String> all = new ArrayList<>(List.of("inc " + tally.nextRequest()));
    all.addAll(List.of(more));
    long sent = System.nanoTime();
    connection.send(all);
    while (!take(connection.receive(), sent)) {
      // An answer to an earlier request: counted as repeated, and the right one is still to come.
      Thread.onSpinWait();
    }
  }

  private boolean take(String answer, long sentNanos) {
    markIfTold();
    return tally.answer(answer, sentNanos, System.nanoTime());
  }

  private void steer() {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.equals("finish")) {
          break;
        }
        if (line.equals("mark")) {
          marked.set(true);
        }
        if (line.startsWith("ask ")) {
          String request = line.substring(4);
          Thread.ofVirtual().start(() -> ask(request));
        }
      }
    } catch (IOException e) {
      print("error", String.valueOf(e.getMessage()));
    }
    finished.set(true);
  }

  private void ask(String request) {
    String answer;
    try (GuestConnection connection = new GuestConnection(host, port, patienceMillis)) {
      answer = connection.ask(request);
    } catch (IOException e) {
      answer = "error: " + e;
    }
    print("answer", Map.of("request", request, "answer", answer));
  }
}
