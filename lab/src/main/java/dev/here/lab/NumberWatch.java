package dev.here.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A running {@link NumberSniffer} in a lab, seen from outside: from {@link Lab#watchNumbers} on it
 * has every frame that leaves a host for a network of guests. It ends with the lab.
 */
public final class NumberWatch implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int START_SECONDS = 60;
  private static final int FINISH_SECONDS = 60;

  /**
   * A kind of traffic that was seen.
   *
   * @param host the host whose port it came from
   * @param network "data" or "vlan", the trunk
   * @param mac its source
   * @param vlan the VLAN of its tag, 0 without one
   * @param frames how many
   */
  public record Traffic(String host, String network, String mac, int vlan, long frames) {
    /** Whether it came from this card, and neither on its network nor in its VLAN. */
    boolean isAstray(LabCard card) {
      String home = (card.vlan() == 0 ? HostNetwork.DATA : HostNetwork.TRUNK).label();
      return mac.equals(card.mac()) && !(network.equals(home) && vlan == card.vlan());
    }
  }

  private final List<NumberedFrames.Sighting> sightings = new ArrayList<>();
  private final List<Traffic> traffic = new ArrayList<>();
  private final CompletableFuture<Boolean> ready = new CompletableFuture<>();
  private final CompletableFuture<Long> dropped = new CompletableFuture<>();
  private final RackProgram program;

  /** Starts it, and waits until it looks. */
  NumberWatch(Rack rack, List<String> hosts) {
    program =
        RackProgram.start(
            rack,
            NumberSniffer.class,
            hosts,
            this::take,
            reason -> {
              LabException end = new LabException("the sniffer ended early " + reason);
              ready.completeExceptionally(end);
              dropped.completeExceptionally(end);
            });
    await(ready, START_SECONDS, "start");
  }

  private void take(JsonNode message) {
    JsonNode value = message.get("value");
    synchronized (sightings) {
      switch (message.get("type").asString()) {
        case "ready" -> ready.complete(true);
        case "number" -> sightings.add(JSON.treeToValue(value, NumberedFrames.Sighting.class));
        case "traffic" -> traffic.add(JSON.treeToValue(value, Traffic.class));
        case "end" -> dropped.complete(value.asLong());
        default -> {}
      }
    }
  }

  private static <T> T await(CompletableFuture<T> event, int seconds, String what) {
    try {
      return event.get(seconds, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new LabException("the sniffer did not %s: %s".formatted(what, e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }

  /** The numbered frames of a card so far. */
  public NumberedFrames frames(int card) {
    synchronized (sightings) {
      return new NumberedFrames(sightings.stream().filter(s -> s.card() == card).toList());
    }
  }

  /**
   * Ends the watching; {@link #frames} is complete then.
   *
   * @throws LabException when it was too slow for some frames: then no judgement is possible
   */
  public void finish() {
    program.send("finish");
    long lost = await(dropped, FINISH_SECONDS, "end");
    if (lost > 0) {
      throw new LabException(
          "the sniffer was too slow for %d frames: use less load".formatted(lost));
    }
  }

  /** After {@link #finish}: what a guest's cards sent that was not in their VLAN or network. */
  public List<Traffic> astray(LabGuest guest) {
    synchronized (sightings) {
      return traffic.stream().filter(t -> guest.cards().stream().anyMatch(t::isAstray)).toList();
    }
  }

  /** After {@link #finish}: all kinds of traffic. */
  public List<Traffic> traffic() {
    synchronized (sightings) {
      return List.copyOf(traffic);
    }
  }

  @Override
  public void close() {
    program.close();
  }
}
