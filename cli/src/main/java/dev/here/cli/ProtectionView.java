package dev.here.cli;

import tools.jackson.databind.JsonNode;

/**
 * A protection as the daemon of its primary tells it (API: GET /v1/status, {@code protections}).
 *
 * @param state a name of {@code ProtectionState}
 * @param safe whether a failover now would lose nothing
 * @param intervalNanos length of the last epoch
 * @param pauseNanos pause of the last checkpoint
 * @param sentBytes what the last checkpoint took on the wire
 * @param degradation pause / (pause + interval), 0 to 1
 * @param heldFrames frames that wait for their epoch's commit
 */
record ProtectionView(
    String name,
    String state,
    String reason,
    boolean safe,
    long checkpoints,
    long intervalNanos,
    long pauseNanos,
    long pauseMeanNanos,
    long pauseP99Nanos,
    long dirtyPages,
    long sentBytes,
    long seededPages,
    double degradation,
    long heldFrames) {

  static ProtectionView from(JsonNode node) {
    JsonNode figures = node.path("status");
    JsonNode pause = figures.path("pause");
    long pauseNanos = 0;
    for (String part :
        new String[] {"stopNanos", "dirtyLogNanos", "stateNanos", "copyNanos", "resumeNanos"}) {
      pauseNanos += pause.path(part).asLong(0);
    }
    return new ProtectionView(
        node.path("name").asString(""),
        node.path("state").asString(""),
        node.path("reason").asString(""),
        node.path("safe").asBoolean(false),
        figures.path("checkpoints").asLong(0),
        figures.path("intervalNanos").asLong(0),
        pauseNanos,
        figures.path("pauseMeanNanos").asLong(0),
        figures.path("pauseP99Nanos").asLong(0),
        figures.path("dirtyPages").asLong(0),
        figures.path("sentBytes").asLong(0),
        figures.path("seededPages").asLong(0),
        figures.path("degradation").asDouble(0),
        figures.path("heldFrames").asLong(0));
  }

  /** The protection is over, whatever became of the guest. */
  boolean hasEnded() {
    return switch (state) {
      case "REFUSED", "UNPROTECTED", "SWITCHED_OVER", "HANDED_OVER", "FENCED", "LOST", "FAILED" ->
          true;
      default -> false;
    };
  }

  /** One line for people. */
  String line() {
    return switch (state) {
      case "PROTECTED" ->
          "checkpoint %d: interval %d ms, pause %.1f ms, %d dirty pages, %.1f KiB sent, degradation %.1f %%, %d frames unreleased"
              .formatted(
                  checkpoints,
                  intervalNanos / 1_000_000,
                  pauseNanos / 1e6,
                  dirtyPages,
                  sentBytes / 1024.0,
                  degradation * 100,
                  heldFrames);
      case "SEEDING" -> "seeding the standby: %d pages".formatted(seededPages);
      default -> reason.isEmpty() ? state : state + ": " + reason;
    };
  }
}
