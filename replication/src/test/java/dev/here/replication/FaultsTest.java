package dev.here.replication;

import dev.here.testkit.FaultyLink.Fault;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the network does, what is taken over is exactly one committed checkpoint. */
@Timeout(120)
class FaultsTest {
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18})
  void takesOverExactlyOneCheckpoint(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    int streams = 1 + random.nextInt(4);
    boolean cut = random.nextInt(4) > 0;
    try (Rack rack = new Rack(seed, 150, streams, true, 300_000, Fault.values())) {
      rack.loop.start();
      rack.await("the first commit", () -> rack.loop.status().checkpoints() > 0);
      Thread.sleep(random.nextInt(600));
      if (cut) {
        rack.link.cutAll();
        Thread.sleep(random.nextInt(100));
      }
      rack.link.faulty(false);
      rack.awaitCheckpoints(1);
      rack.checkOutput();
      rack.link.faulty(random.nextBoolean());
      rack.await("protection", () -> rack.loop.status().safe());
      rack.primary.crash();
      rack.loop.awaitEnd();
      if (rack.loop.status().state() == ProtectionState.HANDED_OVER) {
        rack.link.faulty(false);
        rack.awaitTakeOver();
        rack.checkTakenOver();
      }
    }
  }
}
