package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import dev.here.net.GateException;
import dev.here.net.GuestGates;
import dev.here.net.LeftGates;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a gate at a guest's port must keep to, on the kernel that runs this: with a plug where it
 * has one, with token buckets where it has none. Also run on a lab's host ({@link
 * GateContractTest}).
 */
@Timeout(120)
class GateContract {
  private static final UUID VM = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final UUID OTHER_VM = UUID.fromString("99999999-2222-3333-4444-555555555555");
  private static final int LARGE_BYTES = 20_000;

  /** So seldom that no bucket gets full. */
  private static final long SOMETIMES_NANOS = 200_000;

  @SuppressWarnings("NullAway.Init")
  private GatedNetwork network;

  @SuppressWarnings("NullAway.Init")
  private List<String> linksBefore;

  @BeforeEach
  void makeNetwork() {
    network = GatedNetwork.make();
    linksBefore = network.linkNames();
  }

  @AfterEach
  void endNetwork() {
    network.close();
  }

  private GuestGates gates() {
    return GuestGates.make(VM, List.of(GatedNetwork.PORT));
  }

  /** Shut since epoch 1, with nothing in them. */
  private GuestGates shutGates() {
    GuestGates gates = gates();
    gates.endEpoch(1);
    gates.release(1);
    return gates;
  }

  private static List<Integer> numbers(int from, int to) {
    return IntStream.rangeClosed(from, to).boxed().toList();
  }

  private void isAsBefore() {
    assertThat(network.linkNames()).isEqualTo(linksBefore);
    assertThat(network.classifier()).isEmpty();
    network.guestSends(900, 901);
    assertThat(network.seenOutside(2)).isEqualTo(numbers(900, 901));
  }

  @Test
  void anOpenGateLetsFramesPassBothWaysAndLeavesNothing() {
    try (GuestGates gates = gates()) {
      network.guestSends(1, 50);
      assertThat(network.seenOutside(50)).isEqualTo(numbers(1, 50));
      network.outsideSends(1, 50);
      assertThat(network.seenByGuest(50)).isEqualTo(numbers(1, 50));
      assertThat(gates.held().frames()).isZero();
      assertThat(gates.hasSent()).isFalse();
    }
    isAsBefore();
  }

  @Test
  void framesLeaveWithTheReleaseOfTheirEpochInTheirOrder() {
    try (GuestGates gates = gates()) {
      gates.endEpoch(1);
      network.guestSends(1, 100);
      assertThat(network.seenOutside(0)).isEmpty();
      assertThat(gates.held().frames()).isEqualTo(100);
      assertThat(gates.held().bytes()).isEqualTo(100L * GatedNetwork.FRAME_BYTES);
      gates.release(1);
      assertThat(network.seenOutside(0)).isEmpty();
      assertThat(gates.hasSent()).isTrue();
      gates.endEpoch(2);
      network.guestSends(101, 150);
      gates.release(2);
      assertThat(network.seenOutside(100)).isEqualTo(numbers(1, 100));
      assertThat(gates.held().frames()).isEqualTo(50);
      gates.endEpoch(3);
      gates.release(3);
      assertThat(network.seenOutside(50)).isEqualTo(numbers(101, 150));
      assertThat(gates.hasSent()).isFalse();
      gates.open();
    }
    isAsBefore();
  }

  @Test
  void manyEpochsLoseNothingAndKeepTheOrder() {
    try (GuestGates gates = gates()) {
      int next = 1;
      for (int epoch = 1; epoch <= 200; epoch++) {
        gates.endEpoch(epoch);
        network.guestSends(next, next + epoch % 7);
        next += epoch % 7 + 1;
        gates.release(epoch);
      }
      gates.endEpoch(201);
      gates.release(201);
      assertThat(network.seenOutside(next - 1)).isEqualTo(numbers(1, next - 1));
      gates.open();
    }
    isAsBefore();
  }

  /** A capture that failed after its boundary, or a standby that was lost for a while. */
  @Test
  void aBoundaryWithoutReleaseHoldsItsFramesForALaterOne() {
    try (GuestGates gates = shutGates()) {
      network.guestSends(1, 10);
      gates.endEpoch(2);
      network.guestSends(11, 20);
      gates.endEpoch(3);
      network.guestSends(21, 30);
      gates.endEpoch(4);
      network.guestSends(31, 40);
      gates.release(1);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.release(4);
      // Those of the first boundary can be told apart; later ones may wait, and must not overtake.
      assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
      gates.endEpoch(5);
      gates.release(5);
      assertThat(network.seenOutside(30)).isEqualTo(numbers(11, 40));
      gates.open();
    }
    isAsBefore();
  }

  @Test
  void openingLetsEverythingOutInItsOrder() {
    try (GuestGates gates = shutGates()) {
      network.guestSends(1, 10);
      gates.endEpoch(2);
      network.guestSends(11, 20);
      gates.open();
      network.guestSends(21, 30);
      assertThat(network.seenOutside(30)).isEqualTo(numbers(1, 30));
      gates.endEpoch(3);
      network.guestSends(31, 40);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.open();
    }
    assertThat(network.seenOutside(10)).isEqualTo(numbers(31, 40));
    isAsBefore();
  }

  @Test
  void aGateThatHoldsStaysWhenItsOwnerCloses() {
    try (GuestGates gates = gates()) {
      gates.endEpoch(1);
      network.guestSends(1, 10);
    }
    assertThat(network.seenOutside(0)).isEmpty();
    LeftGates.ofVm(network.netlink(), VM).letOut(network.netlink());
    assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
    isAsBefore();
  }

  @Test
  void whatIsDroppedNeverLeavesNorWhatComesLater() {
    try (GuestGates gates = shutGates()) {
      network.guestSends(1, 10);
      gates.endEpoch(2);
      network.guestSends(11, 20);
      gates.drop();
      network.guestSends(21, 30);
      assertThat(network.seenOutside(0)).isEmpty();
      assertThat(gates.held().frames()).isZero();
    }
    // The guest is still there, and must not be heard.
    network.guestSends(31, 40);
    assertThat(network.seenOutside(0)).isEmpty();
    LeftGates.ofVm(network.netlink(), VM).remove(network.netlink());
    assertThat(network.seenOutside(0)).isEmpty();
    isAsBefore();
  }

  @Test
  void aFullGateAsksForACommitThenLosesTheNewestAndCountsThem() {
    try (GuestGates gates = shutGates()) {
      int sent = 0;
      while (!gates.isFilling()) {
        network.guestSends(sent + 1, sent + 100, LARGE_BYTES);
        sent += 100;
        assertThat(gates.held().lostFrames()).isZero();
      }
      while (gates.held().lostFrames() == 0) {
        network.guestSends(sent + 1, sent + 100, LARGE_BYTES);
        sent += 100;
      }
      int held = (int) gates.held().frames();
      assertThat(held + gates.held().lostFrames()).isEqualTo(sent);
      gates.endEpoch(2);
      gates.release(2);
      assertThat(network.seenOutside(held)).isEqualTo(numbers(1, held));
      network.guestSends(sent + 1, sent + 1);
      gates.endEpoch(3);
      gates.release(3);
      assertThat(network.seenOutside(1)).containsExactly(sent + 1);
      gates.open();
    }
    isAsBefore();
  }

  /** Where a process that steers gates ends; the kernel's are what it left. */
  private enum Death {
    AFTER_MAKING((gates, network) -> network.guestSends(1, 10), 10, true),
    AFTER_THE_FIRST_BOUNDARY(
        (gates, network) -> {
          gates.endEpoch(1);
          network.guestSends(1, 10);
        },
        0,
        true),
    BETWEEN_BOUNDARY_AND_RELEASE(
        (gates, network) -> {
          gates.endEpoch(1);
          gates.release(1);
          network.guestSends(1, 5);
          gates.endEpoch(2);
          network.guestSends(6, 10);
        },
        0,
        true),
    AFTER_A_RELEASE(
        (gates, network) -> {
          gates.endEpoch(1);
          network.guestSends(1, 5);
          gates.release(1);
          gates.endEpoch(2);
          network.guestSends(6, 10);
          gates.release(2);
        },
        5,
        true),
    AFTER_OPENING(
        (gates, network) -> {
          gates.endEpoch(1);
          network.guestSends(1, 5);
          gates.open();
          network.guestSends(6, 10);
        },
        10,
        true),
    AFTER_DROPPING(
        (gates, network) -> {
          gates.endEpoch(1);
          network.guestSends(1, 5);
          gates.drop();
          network.guestSends(6, 10);
        },
        0,
        false);

    private final BiConsumer<GuestGates, GatedNetwork> life;
    private final int out;
    private final boolean keeps;

    Death(BiConsumer<GuestGates, GatedNetwork> life, int out, boolean keeps) {
      this.life = life;
      this.out = out;
      this.keeps = keeps;
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDeadOwnersGateHoldsUntilItIsLetOut(Death death) {
    leave(death);
    assertThat(network.seenOutside(death.out)).isEqualTo(numbers(1, death.out));
    LeftGates left = LeftGates.ofVm(network.netlink(), VM);
    assertThat(left.isEmpty()).isFalse();
    assertThat(left.held(network.netlink()).frames()).isEqualTo(death.keeps ? 10 - death.out : 0);
    network.guestSends(11, 20);
    left.letOut(network.netlink());
    int last = death.keeps ? 20 : death.out;
    int passed = death == Death.AFTER_MAKING || death == Death.AFTER_OPENING ? 10 : death.out;
    assertThat(network.seenOutside(last - passed)).isEqualTo(numbers(passed + 1, last));
    isAsBefore();
  }

  @ParameterizedTest
  @EnumSource
  void aDeadOwnersGateCanBeDropped(Death death) {
    leave(death);
    assertThat(network.seenOutside(death.out)).isEqualTo(numbers(1, death.out));
    LeftGates left = LeftGates.ofVm(network.netlink(), VM);
    left.drop(network.netlink());
    network.guestSends(11, 20);
    assertThat(network.seenOutside(0)).isEmpty();
    left.remove(network.netlink());
    assertThat(network.seenOutside(0)).isEmpty();
    isAsBefore();
  }

  @ParameterizedTest
  @EnumSource
  void theNextOwnerLetsOutWhatADeadOneHeldAndGoesOn(Death death) {
    leave(death);
    assertThat(network.seenOutside(death.out)).isEqualTo(numbers(1, death.out));
    try (GuestGates gates = gates()) {
      int last = death.keeps ? 10 : death.out;
      assertThat(network.seenOutside(last - death.out)).isEqualTo(numbers(death.out + 1, last));
      gates.endEpoch(7);
      gates.release(7);
      network.guestSends(11, 20);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.endEpoch(8);
      gates.release(8);
      assertThat(network.seenOutside(10)).isEqualTo(numbers(11, 20));
      gates.open();
    }
    isAsBefore();
  }

  private void leave(Death death) {
    // Not closed: what a process leaves that was killed.
    death.life.accept(gates(), network);
  }

  @Test
  void framesForTheGuestWaitWhileItIsBeingStopped() {
    try (GuestGates gates = gates()) {
      gates.holdInbound();
      network.outsideSends(1, 20);
      assertThat(network.seenByGuest(0)).isEmpty();
      gates.passInbound();
      assertThat(network.seenByGuest(20)).isEqualTo(numbers(1, 20));
      network.outsideSends(21, 30);
      assertThat(network.seenByGuest(10)).isEqualTo(numbers(21, 30));
    }
    isAsBefore();
  }

  /** A guest that stands still is to run before it gets its frames, and be heard before that. */
  @Test
  void aDeadOwnersFramesAreLetOutBeforeThoseForTheGuest() {
    GuestGates dead = gates();
    dead.endEpoch(1);
    network.guestSends(1, 10);
    dead.holdInbound();
    network.outsideSends(1, 20);
    LeftGates left = LeftGates.ofVm(network.netlink(), VM);
    left.outward().leaveOpen(network.netlink());
    assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
    network.guestSends(11, 20);
    assertThat(network.seenOutside(10)).isEqualTo(numbers(11, 20));
    assertThat(network.seenByGuest(0)).isEmpty();
    left.inward().leaveOpen(network.netlink());
    assertThat(network.seenByGuest(20)).isEqualTo(numbers(1, 20));
    left.leftOpen(network.netlink()).remove(network.netlink());
    isAsBefore();
  }

  @Test
  void aGateWhosePortIsGoneIsFoundAndRemoved() {
    leave(Death.BETWEEN_BOUNDARY_AND_RELEASE);
    network.removePort();
    LeftGates left = LeftGates.withoutGuest(network.netlink());
    assertThat(left.isEmpty()).isFalse();
    left.remove(network.netlink());
    assertThat(network.linkNames()).noneMatch(name -> name.startsWith("hg"));
    assertThat(network.seenOutside(0)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void anothersQueueingDisciplinesStay(GatedNetwork.UsersQueue queue) {
    network.add(queue);
    try (GuestGates gates = gates()) {
      gates.endEpoch(1);
      network.guestSends(1, 10);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.endEpoch(2);
      gates.release(2);
      assertThat(network.has(queue)).isTrue();
      gates.open();
    }
    assertThat(network.has(queue)).isTrue();
    assertThat(network.linkNames()).isEqualTo(linksBefore);
  }

  @Test
  void aPortWithSomebodysFilterIsRefusedByName() {
    network.addFilter();
    assertThatThrownBy(this::gates)
        .isInstanceOf(GateException.class)
        .hasMessageContaining(GatedNetwork.PORT)
        .hasMessageContaining("u32")
        .hasMessageContaining("tc filter del");
    assertThat(network.linkNames()).isEqualTo(linksBefore);
  }

  @Test
  void aPortThatIsMissingOrAMacvtapIsRefusedByName() {
    assertThatThrownBy(() -> GuestGates.make(VM, List.of(GatedNetwork.PORT, "none0")))
        .isInstanceOf(GateException.class)
        .hasMessageContaining("none0");
    isAsBefore();
    String macvtap = network.addMacvtap();
    assertThatThrownBy(() -> GuestGates.make(VM, List.of(macvtap)))
        .isInstanceOf(GateException.class)
        .hasMessageContaining("macvtap");
  }

  @Test
  void severalPortsEndTheirEpochsTogether() {
    try (GuestGates gates =
        GuestGates.make(VM, List.of(GatedNetwork.PORT, GatedNetwork.SECOND_PORT))) {
      gates.endEpoch(1);
      gates.release(1);
      network.guestSends(1, 10);
      network.guestSendsOnSecond(11, 20);
      assertThat(network.seenOutside(0)).isEmpty();
      assertThat(gates.held().frames()).isEqualTo(20);
      gates.endEpoch(2);
      network.guestSends(21, 30);
      gates.release(2);
      assertThat(network.seenOutside(20)).hasSameElementsAs(numbers(1, 20));
      gates.open();
    }
    assertThat(network.seenOutside(10)).isEqualTo(numbers(21, 30));
    isAsBefore();
  }

  /** Somebody who found gates before the next owner made its own, and is late. */
  @Test
  void aLateCleanerLeavesTheNextOwnersGateAlone() {
    leave(Death.BETWEEN_BOUNDARY_AND_RELEASE);
    LeftGates found = LeftGates.ofVm(network.netlink(), VM);
    try (GuestGates gates = gates()) {
      assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
      gates.endEpoch(1);
      gates.release(1);
      network.guestSends(11, 20);
      found.remove(network.netlink());
      found.letOut(network.netlink());
      found.drop(network.netlink());
      network.guestSends(21, 30);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.endEpoch(2);
      gates.release(2);
      assertThat(network.seenOutside(20)).isEqualTo(numbers(11, 30));
      gates.open();
    }
    isAsBefore();
  }

  /** A port's name, or a TAP that stays, goes from one guest to another. */
  @Test
  void whatAnotherVmsGateHoldsIsNotLetOut() {
    leave(Death.BETWEEN_BOUNDARY_AND_RELEASE);
    try (GuestGates gates = GuestGates.make(OTHER_VM, List.of(GatedNetwork.PORT))) {
      assertThat(network.seenOutside(0)).isEmpty();
      network.guestSends(11, 20);
      assertThat(network.seenOutside(10)).isEqualTo(numbers(11, 20));
      assertThat(LeftGates.ofVm(network.netlink(), VM).isEmpty()).isTrue();
      assertThat(gates.holds()).isFalse();
    }
    isAsBefore();
  }

  /** What a process leaves that dies between two requests while it makes a gate. */
  @ParameterizedTest
  @EnumSource
  void aGateThatIsHalfMadeIsRemovedAndDoesNotKeepTheNextFromBeingMade(GatedNetwork.HalfMade half) {
    network.leave(half, VM);
    LeftGates left = LeftGates.ofVm(network.netlink(), VM);
    assertThat(left.held(network.netlink()).frames()).isZero();
    try (GuestGates gates = gates()) {
      gates.endEpoch(1);
      network.guestSends(1, 10);
      assertThat(network.seenOutside(0)).isEmpty();
      gates.release(1);
      gates.endEpoch(2);
      gates.release(2);
      assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
      gates.open();
    }
    isAsBefore();
    network.leave(half, VM);
    LeftGates again = LeftGates.ofVm(network.netlink(), VM);
    again.drop(network.netlink());
    again.remove(network.netlink());
    network.guestSends(11, 20);
    assertThat(network.seenOutside(10)).isEqualTo(numbers(11, 20));
  }

  @Test
  void aGateThatLostItsFilterFailsAtEachBoundaryUntilItIsOpened() {
    try (GuestGates gates = shutGates()) {
      network.guestSends(1, 10);
      network.removeClassifier(GatedNetwork.PORT);
      for (int epoch = 2; epoch <= 4; epoch++) {
        long number = epoch;
        assertThatThrownBy(() -> gates.endEpoch(number))
            .isInstanceOf(GateException.class)
            .hasMessageContaining("filter");
      }
      gates.open();
      assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
    }
    isAsBefore();
  }

  /** One of two gates has ended the epoch, the other could not. */
  @Test
  void aHalfDoneBoundaryHoldsAndIsUndoneByOpening() {
    try (GuestGates gates =
        GuestGates.make(VM, List.of(GatedNetwork.PORT, GatedNetwork.SECOND_PORT))) {
      gates.endEpoch(1);
      gates.release(1);
      network.guestSends(1, 10);
      network.removeClassifier(GatedNetwork.SECOND_PORT);
      assertThatThrownBy(() -> gates.endEpoch(2)).isInstanceOf(GateException.class);
      network.guestSends(11, 20);
      gates.release(1);
      assertThat(network.seenOutside(0)).isEmpty();
      assertThatThrownBy(() -> gates.endEpoch(3)).isInstanceOf(GateException.class);
      gates.open();
      network.guestSends(21, 30);
      assertThat(network.seenOutside(30)).isEqualTo(numbers(1, 30));
      network.guestSendsOnSecond(31, 31);
      assertThat(network.seenOutside(1)).containsExactly(31);
    }
    isAsBefore();
  }

  @Test
  void openingKeepsTheOrderWhileTheGuestSends() {
    try (GuestGates gates = gates()) {
      int sent = 0;
      for (int epoch = 1; epoch <= 21; epoch += 3) {
        gates.endEpoch(epoch);
        gates.release(epoch);
        network.guestSends(sent + 1, sent + 500);
        gates.endEpoch(epoch + 1);
        network.guestSends(sent + 501, sent + 600);
        GatedNetwork.Sending guest = network.guestKeepsSending(sent + 601, 10_000);
        gates.open();
        int last = guest.end();
        assertThat(network.seenOutside(last - sent)).isEqualTo(numbers(sent + 1, last));
        sent = last;
      }
    }
    isAsBefore();
  }

  /** What comes to the port while its places for filters come or go is lost: they stay. */
  @Test
  void gatesThatFollowDeadOnesLoseNoFrameEitherWay() {
    GuestGates gates = gates();
    GatedNetwork.Sending guest = network.guestKeepsSending(1, SOMETIMES_NANOS);
    GatedNetwork.Sending outside = network.outsideKeepsSending(1, SOMETIMES_NANOS);
    for (int death = 0; death < 10; death++) {
      GuestGates dying = gates;
      guest.whileStill(() -> dying.endEpoch(1));
      dying.release(1);
      dying.holdInbound();
      pause();
      leaveOpen();
      pause();
      gates = gates();
    }
    // Each processor has a backlog behind a cable, so the order is not looked at here.
    int sent = guest.end();
    assertThat(network.seenOutside(sent)).containsExactlyInAnyOrderElementsOf(numbers(1, sent));
    int expected = outside.end();
    assertThat(network.seenByGuest(expected))
        .containsExactlyInAnyOrderElementsOf(numbers(1, expected));
    assertThat(sent).isGreaterThan(200);
    assertThat(expected).isGreaterThan(200);
    gates.close();
    isAsBefore();
  }

  /** Its maker dropped the frames, and died before the guest did, which goes on here. */
  @Test
  void aDroppingGateIsRemovedByWhoGoesOnWithTheGuest() {
    leave(Death.AFTER_DROPPING);
    leaveOpen();
    assertThat(network.seenOutside(0)).isEmpty();
    network.guestSends(11, 20);
    assertThat(network.seenOutside(10)).isEqualTo(numbers(11, 20));
    LeftGates.ofVm(network.netlink(), VM).leftOpen(network.netlink()).remove(network.netlink());
    isAsBefore();
  }

  @Test
  void placesForFiltersThatAUserMadeStayAcrossDeaths() {
    network.add(GatedNetwork.UsersQueue.CLSACT);
    leave(Death.BETWEEN_BOUNDARY_AND_RELEASE);
    leaveOpen();
    gates().close();
    assertThat(network.has(GatedNetwork.UsersQueue.CLSACT)).isTrue();
  }

  /** The dead one's places for filters are not left behind. */
  @Test
  void gatesThatCannotFollowADeadOneLeaveNothing() {
    leave(Death.BETWEEN_BOUNDARY_AND_RELEASE);
    Assumptions.assumeFalse(isPlugged(), "the name that is taken here is the dead gate's there");
    String taken = "hg%do".formatted(RouteNetlink.interfaceIndex(GatedNetwork.PORT).orElseThrow());
    leaveOpen();
    assertThat(network.seenOutside(10)).isEqualTo(numbers(1, 10));
    network.netlink().addLink(taken, "bridge");
    assertThatThrownBy(this::gates).isInstanceOf(GateException.class).hasMessageContaining("p0");
    network.netlink().deleteLink(taken);
    isAsBefore();
  }

  private void leaveOpen() {
    LeftGates left = LeftGates.ofVm(network.netlink(), VM);
    left.outward().leaveOpen(network.netlink());
    left.inward().leaveOpen(network.netlink());
  }

  private static void pause() {
    LockSupport.parkNanos(20_000_000);
  }

  /** Down, an interface loses what its queue holds, and a plug's numbers are not told. */
  @Test
  void aGateWhoseInterfaceWasDownFailsBeforeMoreIsReleased() {
    try (GuestGates gates = shutGates()) {
      network.guestSends(1, 10);
      gates.endEpoch(2);
      network.setGateDownAndUp();
      network.guestSends(11, 20);
      // A token bucket that is set up is full, and lets one frame out.
      int most = isPlugged() ? 0 : 1;
      if (isPlugged()) {
        assertThatThrownBy(
                () -> {
                  gates.release(2);
                  gates.endEpoch(3);
                  gates.release(3);
                })
            .isInstanceOf(GateException.class);
      }
      assertThat(network.seenOutside(0)).hasSizeLessThanOrEqualTo(most);
      gates.drop();
    }
    LeftGates.ofVm(network.netlink(), VM).remove(network.netlink());
    isAsBefore();
  }

  /** Also when somebody sets its interface up again. */
  @Test
  void whatIsDroppedStaysSoForTheNextOwner() {
    leave(Death.AFTER_DROPPING);
    network.setGateDownAndUp();
    network.guestSends(11, 20);
    // A token bucket that is set up is full, and lets one frame out.
    assertThat(network.seenOutside(0)).hasSizeLessThanOrEqualTo(isPlugged() ? 0 : 1);
    LeftGates.ofVm(network.netlink(), VM).letOut(network.netlink());
    assertThat(network.seenOutside(0)).isEmpty();
    isAsBefore();
  }

  private boolean isPlugged() {
    return network.linkNames().stream().anyMatch(name -> name.matches("hg[0-9]+o"));
  }

  /** What the kernel says it has; a run without a plug is not taken for one with it. */
  @Test
  void theGateIsOfTheKindThatTheKernelHas() {
    try (GuestGates gates = gates()) {
      assertThat(gates.held().frames()).isZero();
      RouteNetlink netlink = network.netlink();
      Optional<LinkFacts> plugged =
          LinkFacts.all(netlink).stream().filter(l -> l.name().matches("hg[0-9]+o")).findFirst();
      String wanted = System.getProperty("here.gate", "");
      String found =
          plugged.map(link -> TrafficControl.root(netlink, link.index()).kind()).orElse("tbf");
      assertThat(found).isIn("plug", "tbf");
      if (!wanted.isEmpty()) {
        assertThat(found).isEqualTo(wanted);
      }
    }
  }
}
