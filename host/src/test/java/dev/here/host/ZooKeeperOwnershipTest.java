package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import dev.here.replication.OwnershipException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZooKeeperOwnershipTest {
  private static final int SHORT_SESSION_MILLIS = 1000;

  @TempDir static Path folder;
  private static Witness witness;
  private static WitnessConnection primaryHost;
  private static WitnessConnection standbyHost;

  private final UUID vm = UUID.randomUUID();

  @BeforeAll
  static void start() {
    witness = new Witness(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), folder);
    primaryHost = new WitnessConnection(WitnessTest.connectString(witness));
    standbyHost = new WitnessConnection(WitnessTest.connectString(witness));
    OwnershipSteps.until(
        "both connect", () -> primaryHost.isConnected() && standbyHost.isConnected());
  }

  @AfterAll
  static void stop() {
    primaryHost.close();
    standbyHost.close();
    witness.close();
  }

  private Ownership primary() {
    return primaryHost.ownership(vm, "primary");
  }

  private Ownership standby() {
    return standbyHost.ownership(vm, "standby");
  }

  private Optional<Lease> tryTakeOver(long token) {
    return OwnershipSteps.answered(() -> standby().takeOver(token));
  }

  private Optional<Lease> tryAcquire() {
    return OwnershipSteps.answered(() -> standby().acquire());
  }

  @Test
  void oneOwnerAtATimeAndTokensRise() {
    long last = 0;
    for (int i = 0; i < 4; i++) {
      Lease lease = OwnershipSteps.acquired(i % 2 == 0 ? primary() : standby());
      assertThat(lease.token()).isGreaterThan(last);
      last = lease.token();
      assertThat(lease.isLost()).isFalse();
      assertThat(tryAcquire()).isEmpty();
      assertThat(tryTakeOver(last)).isEmpty();
      lease.close();
      assertThat(lease.mayRelease()).isFalse();
    }
  }

  @Test
  void vmsDoNotShareOwners() {
    Lease one = OwnershipSteps.acquired(primary());
    Lease other = OwnershipSteps.acquired(standbyHost.ownership(UUID.randomUUID(), "standby"));
    assertThat(one.token()).isEqualTo(1);
    assertThat(other.token()).isEqualTo(1);
  }

  @Test
  void takeOverNeedsPermissionTheLastTokenAndAnEndedLease() {
    assertThat(tryTakeOver(0)).isEmpty();
    Lease lease = OwnershipSteps.acquired(primary());
    long token = lease.token();
    assertThat(mayBeTakenOver(token)).as("not allowed yet").isFalse();
    lease.allowTakeOver(true);
    assertThat(mayBeTakenOver(token)).isTrue();
    assertThat(mayBeTakenOver(token - 1)).as("older token").isFalse();
    assertThat(tryTakeOver(token)).as("owner is there").isEmpty();
    lease.close();
    assertThat(mayBeTakenOver(token)).as("its owner is gone").isTrue();
    assertThat(tryTakeOver(token - 1)).as("older token").isEmpty();
    assertThat(tryTakeOver(token + 1)).as("token to come").isEmpty();
    Lease successor = OwnershipSteps.takenOver(standby(), token);
    assertThat(successor.token()).isGreaterThan(token);
    assertThat(mayBeTakenOver(token)).as("it was followed").isFalse();
    successor.close();
    assertThat(tryTakeOver(successor.token())).as("a new owner has not allowed it").isEmpty();
    assertThat(tryTakeOver(token)).as("it was followed already").isEmpty();
  }

  private boolean mayBeTakenOver(long token) {
    ZooKeeperOwnership place = primaryHost.place(vm, "primary");
    return OwnershipSteps.answered(() -> Optional.of(place.mayBeTakenOver(token))).orElseThrow();
  }

  @Test
  void anotherProcessOfTheHostInheritsWithoutAMomentBetween() {
    Lease daemons = OwnershipSteps.acquired(primary());
    try (WitnessConnection keepers = new WitnessConnection(WitnessTest.connectString(witness));
        ZooKeeperOwnership ofAnotherHost = keepers.place(vm, "standby");
        ZooKeeperOwnership place = keepers.place(vm, "primary")) {
      long token = daemons.token();
      assertThat(OwnershipSteps.answered(() -> ofAnotherHost.inherit(token)))
          .as("of another host")
          .isEmpty();
      assertThat(OwnershipSteps.answered(() -> place.inherit(token + 1))).as("token").isEmpty();
      assertThat(daemons.mayRelease()).isTrue();
      Lease lease = OwnershipSteps.answered(() -> place.inherit(token)).orElseThrow();
      assertThat(lease.token()).isGreaterThan(token);
      assertThat(lease.mayRelease()).isTrue();
      assertThat(lease.releasableUntilNanos() - System.nanoTime()).isPositive();
      assertThat(tryAcquire()).isEmpty();
      OwnershipSteps.until("the daemon's is lost", daemons::isLost);
      assertThat(daemons.isReplaced()).as("to its own host").isTrue();
      assertThat(daemons.releasableUntilNanos() - System.nanoTime()).isNotPositive();
      assertThat(OwnershipSteps.answered(() -> place.inherit(token))).as("once only").isEmpty();
      daemons.close();
      assertThat(tryAcquire()).as("the heir's stays").isEmpty();
      lease.allowTakeOver(true);
      lease.close();
      assertThat(tryTakeOver(lease.token())).as("the standby follows the heir").isPresent();
    }
  }

  @Test
  void anEndedSessionsLeaseIsInheritedToo() {
    WitnessConnection gone = new WitnessConnection(WitnessTest.connectString(witness));
    long token = OwnershipSteps.acquired(gone.ownership(vm, "primary")).token();
    gone.close();
    Lease lease =
        OwnershipSteps.answered(() -> primaryHost.place(vm, "primary").inherit(token))
            .orElseThrow();
    assertThat(lease.token()).isGreaterThan(token);
  }

  @Test
  void aProcessKnowsWhatItsOwnSessionHolds() {
    ZooKeeperOwnership place = primaryHost.place(vm, "primary");
    assertThat(OwnershipSteps.answered(() -> Optional.of(place.isHeldBySession())).orElseThrow())
        .isFalse();
    Lease lease = OwnershipSteps.acquired(primary());
    assertThat(place.isHeldBySession()).isTrue();
    assertThat(standbyHost.place(vm, "primary").isHeldBySession()).isFalse();
    lease.close();
    OwnershipSteps.until("it is given up", () -> !place.isHeldBySession());
  }

  @Test
  void aDeadProcesssLeaseIsInheritedBeforeItsSessionEnds() throws IOException {
    try (TcpRelay relay = new TcpRelay(witness.address());
        WitnessConnection dead =
            new WitnessConnection(relay.address(), 2 * WitnessConnection.SESSION_MILLIS)) {
      Lease lease = OwnershipSteps.acquired(dead.ownership(vm, "primary"));
      lease.allowTakeOver(true);
      relay.cut();
      Lease heirs =
          OwnershipSteps.answered(() -> primaryHost.place(vm, "primary").inherit(lease.token()))
              .orElseThrow();
      assertThat(heirs.mayRelease()).isTrue();
      assertThat(tryTakeOver(lease.token())).as("the dead one's token").isEmpty();
      heirs.close();
      assertThat(tryTakeOver(lease.token())).as("followed already").isEmpty();
      assertThat(tryTakeOver(heirs.token())).as("the heir has not allowed it").isEmpty();
    }
  }

  @Test
  void onlyTheLastOwnerRegainsAVmThatNobodyOwns() {
    ZooKeeperOwnership first = primaryHost.place(vm, "primary");
    ZooKeeperOwnership second = standbyHost.place(vm, "standby");
    Lease lease = OwnershipSteps.acquired(first);
    lease.allowTakeOver(true);
    assertThat(OwnershipSteps.answered(second::regain)).as("owner is there").isEmpty();
    lease.close();
    Lease successor = OwnershipSteps.takenOver(second, lease.token());
    successor.close();
    assertThat(OwnershipSteps.answered(first::regain)).as("another was the last").isEmpty();
    assertThat(OwnershipSteps.answered(first::lastRecord))
        .map(OwnershipRecord::host)
        .contains("standby");
    Lease regained = OwnershipSteps.answered(second::regain).orElseThrow();
    assertThat(regained.token()).isGreaterThan(successor.token());
  }

  @Test
  void aVmThatWasElsewhereMeanwhileIsNotRegained() {
    ZooKeeperOwnership first = primaryHost.place(vm, "primary");
    Lease before = OwnershipSteps.acquired(first);
    before.allowTakeOver(true);
    before.close();
    Lease away = OwnershipSteps.takenOver(standbyHost.place(vm, "standby"), before.token());
    away.allowTakeOver(true);
    away.close();
    Lease back = OwnershipSteps.takenOver(first, away.token());
    back.close();
    assertThat(OwnershipSteps.answered(() -> first.regainSince(before.token()))).isEmpty();
    assertThat(OwnershipSteps.answered(() -> first.regainSince(back.token()))).isPresent();
  }

  @Test
  void inheritingIsRehearsedAnyNumberOfTimesAndLeavesNoOwner() {
    for (int time = 0; time < 2; time++) {
      OwnershipSteps.until("rehearsed", () -> LeaseRehearsal.run(primaryHost, "primary"));
    }
    assertThat(LeaseRehearsal.run(standbyHost, "standby")).as("each host for itself").isTrue();
  }

  @Test
  void aLeaseThatWasFollowedIsNotInherited() {
    Lease lease = OwnershipSteps.acquired(primary());
    lease.allowTakeOver(true);
    lease.close();
    Lease successor = OwnershipSteps.takenOver(standby(), lease.token());
    ZooKeeperOwnership place = primaryHost.place(vm, "primary");
    assertThat(OwnershipSteps.answered(() -> place.inherit(lease.token()))).isEmpty();
    assertThat(OwnershipSteps.answered(() -> place.inherit(successor.token()))).isEmpty();
    assertThat(successor.mayRelease()).isTrue();
  }

  @Test
  void takeOverThatIsRefusedAgainIsRefused() {
    Lease lease = OwnershipSteps.acquired(primary());
    lease.allowTakeOver(true);
    lease.allowTakeOver(false);
    lease.close();
    assertThat(tryTakeOver(lease.token())).isEmpty();
  }

  @Test
  void ownershipThatIsClosedHandsOverAtOnce() {
    Ownership ownership = primary();
    Lease lease = OwnershipSteps.acquired(ownership);
    lease.allowTakeOver(true);
    ownership.close();
    assertThat(lease.mayRelease()).isFalse();
    // Asked once: what had to wait for the session's end would not be granted yet.
    assertThat(standby().takeOver(lease.token())).isPresent();
    assertThatThrownBy(() -> lease.allowTakeOver(false)).isInstanceOf(OwnershipException.class);
  }

  @Test
  void connectionThatIsClosedHandsOverAtOnce() {
    WitnessConnection process = new WitnessConnection(WitnessTest.connectString(witness));
    Lease lease = OwnershipSteps.acquired(process.ownership(vm, "primary"));
    lease.allowTakeOver(true);
    process.close();
    assertThat(lease.mayRelease()).isFalse();
    assertThat(standby().takeOver(lease.token())).isPresent();
  }

  @Test
  void oneOfManyStandbysWins() throws Exception {
    Lease lease = OwnershipSteps.acquired(primary());
    lease.allowTakeOver(true);
    List<Callable<Optional<Lease>>> standbys = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Ownership ownership = (i % 2 == 0 ? standbyHost : primaryHost).ownership(vm, "standby " + i);
      standbys.add(() -> OwnershipSteps.answered(() -> ownership.takeOver(lease.token())));
    }
    lease.close();
    int winners = 0;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Optional<Lease>> answer : threads.invokeAll(standbys)) {
        winners += answer.get().isPresent() ? 1 : 0;
      }
    }
    assertThat(winners).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cut", "to server", "to client", "both ways"})
  void holderStopsBeforeTheStandbyMayBegin(String fault) throws Exception {
    try (TcpRelay relay = new TcpRelay(witness.address());
        WitnessConnection process = new WitnessConnection(relay.address(), SHORT_SESSION_MILLIS)) {
      Lease lease = OwnershipSteps.acquired(process.ownership(vm, "primary"));
      lease.allowTakeOver(true);
      OwnershipSteps.until("it may release", lease::mayRelease);
      switch (fault) {
        case "cut" -> relay.cut();
        case "to server" -> relay.silenceToServer(true);
        case "to client" -> relay.silenceToClient(true);
        default -> {
          relay.silenceToServer(true);
          relay.silenceToClient(true);
        }
      }
      Ownership standby = standby();
      // "To client" leaves the client's attempts audible: they must not revive what it cannot know.
      Lease successor = OwnershipSteps.takenOver(standby, lease.token());
      assertThat(lease.mayRelease()).as("once the standby has it").isFalse();
      assertThat(lease.isLost()).as("it cannot know yet").isFalse();
      assertThatThrownBy(() -> lease.allowTakeOver(true)).isInstanceOf(OwnershipException.class);
      relay.silenceToServer(false);
      relay.silenceToClient(false);
      relay.mend();
      OwnershipSteps.until("the successor is known", lease::isLost);
      assertThat(lease.isReplaced()).as("to another host").isFalse();
      assertThat(lease.mayRelease()).isFalse();
      assertThat(successor.mayRelease()).isTrue();
    }
  }

  @Test
  void leaseWhoseSessionExpiredIsTakenAgainWithItsToken() throws Exception {
    try (TcpRelay relay = new TcpRelay(witness.address());
        WitnessConnection process = new WitnessConnection(relay.address(), SHORT_SESSION_MILLIS)) {
      Lease lease = OwnershipSteps.acquired(process.ownership(vm, "primary"));
      lease.allowTakeOver(true);
      relay.cut();
      try (ZooKeeper observer = observer()) {
        String owner = "/here/" + vm + "/owner";
        OwnershipSteps.until("the session has expired", () -> !exists(observer, owner));
      }
      assertThat(lease.mayRelease()).isFalse();
      relay.mend();
      OwnershipSteps.until("it is taken again", lease::mayRelease);
      assertThat(tryTakeOver(lease.token())).as("it is owned again").isEmpty();
      lease.close();
      assertThat(OwnershipSteps.takenOver(standby(), lease.token()).token())
          .isEqualTo(lease.token() + 1);
    }
  }

  @Test
  void cutConnectionDoesNotEndALeaseWhoseSessionLasts() throws Exception {
    try (TcpRelay relay = new TcpRelay(witness.address());
        WitnessConnection process = new WitnessConnection(relay.address(), 5000)) {
      Lease lease = OwnershipSteps.acquired(process.ownership(vm, "primary"));
      long before = process.nodes().sessionId();
      relay.cut();
      OwnershipSteps.until("the cut is noticed", () -> !process.isConnected());
      relay.mend();
      OwnershipSteps.until("it is connected again", process::isConnected);
      OwnershipSteps.until("it may release", lease::mayRelease);
      OwnershipSteps.answered(() -> {
        lease.allowTakeOver(true);
        return true;
      });
      assertThat(process.nodes().sessionId()).isEqualTo(before);
    }
  }

  @Test
  void grantWhoseAnswerIsLostCanBeHadAgain() throws Exception {
    Lease first = OwnershipSteps.acquired(primary());
    first.allowTakeOver(true);
    first.close();
    try (TcpRelay relay = new TcpRelay(witness.address());
        WitnessConnection process = new WitnessConnection(relay.address(), SHORT_SESSION_MILLIS)) {
      OwnershipSteps.until("it connects", process::isConnected);
      Ownership ownership = process.ownership(vm, "standby");
      // The reads before the transaction need answers; it alone loses its own.
      relay.silenceToClientFrom("takeover refused");
      assertThatThrownBy(() -> ownership.takeOver(first.token()))
          .isInstanceOf(OwnershipException.class);
      relay.silenceToClient(false);
      Lease lease = OwnershipSteps.takenOver(ownership, first.token());
      assertThat(lease.token()).isGreaterThan(first.token() + 1);
      assertThat(tryTakeOver(first.token())).isEmpty();
    }
  }

  @Test
  void witnessThatIsDownIsToldInBoundedTime() throws Exception {
    int port;
    try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = unused.getLocalPort();
    }
    try (WitnessConnection process = new WitnessConnection("127.0.0.1:" + port)) {
      assertThat(process.isConnected()).isFalse();
      Ownership ownership = process.ownership(vm, "primary");
      assertThatThrownBy(ownership::acquire).isInstanceOf(OwnershipException.class);
      assertThatThrownBy(() -> ownership.takeOver(1)).isInstanceOf(OwnershipException.class);
    }
  }

  @Test
  void addressThatCannotBeReadIsRefused() {
    assertThatThrownBy(() -> new WitnessConnection("127.0.0.1:port"))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("127.0.0.1:port");
    assertThatThrownBy(() -> primaryHost.ownership(vm, "a\nb"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void strangeRecordIsRefusedAndTheLeaseNotTakenForLost() throws Exception {
    Lease lease = OwnershipSteps.acquired(primary());
    lease.allowTakeOver(true);
    try (ZooKeeper intruder = observer()) {
      String path = "/here/" + vm;
      byte[] good = intruder.getData(path, false, null);
      intruder.setData(path, "token 99".getBytes(StandardCharsets.UTF_8), -1);
      assertThatThrownBy(() -> lease.allowTakeOver(false))
          .isInstanceOf(OwnershipException.class)
          .hasMessageContaining(path);
      intruder.delete(path + "/owner", -1);
      OwnershipSteps.until("it is not valid", () -> !lease.mayRelease());
      assertThat(lease.isLost()).isFalse();
      assertThatThrownBy(() -> standby().takeOver(lease.token()))
          .isInstanceOf(OwnershipException.class)
          .hasMessageContaining(path);
      assertThatThrownBy(() -> standby().acquire()).isInstanceOf(OwnershipException.class);
      intruder.setData(path, good, -1);
      OwnershipSteps.until("it is taken again", lease::mayRelease);
    }
  }

  @Test
  void changedRecordsAreRefusedOrReadAsWritten() {
    OwnershipRecord record =
        new OwnershipRecord(Long.MAX_VALUE, 7, true, UUID.randomUUID(), "höst \"1\"");
    assertThat(OwnershipRecord.decode("/p", record.encoded())).isEqualTo(record);
    assertThat(OwnershipRecord.leaseToken("/p", record.encodedLease())).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> record.next(UUID.randomUUID(), "h"))
        .isInstanceOf(OwnershipException.class);
    assertThatThrownBy(() -> OwnershipRecord.decode("/p", new byte[1 << 20]))
        .isInstanceOf(OwnershipException.class);
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] octets = record.encoded();
      octets[random.nextInt(octets.length)] = (byte) random.nextInt(256);
      try {
        OwnershipRecord read = OwnershipRecord.decode("/p", octets);
        assertThat(read.encoded()).isEqualTo(octets);
      } catch (OwnershipException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(5_000);
  }

  @Test
  void aRecordKnowsSinceWhenTheVmIsOnItsHost() {
    UUID claim = UUID.randomUUID();
    OwnershipRecord inherited = OwnershipRecord.first(claim, "a").next(claim, "a");
    assertThat(inherited.staysOn("a", 1)).isTrue();
    assertThat(inherited.staysOn("b", 1)).isFalse();
    OwnershipRecord away = inherited.next(claim, "b");
    assertThat(away.staysOn("b", 2)).isFalse();
    assertThat(away.staysOn("b", 3)).isTrue();
    OwnershipRecord back = away.next(claim, "a").next(claim, "a");
    assertThat(back.staysOn("a", 2)).as("b had it in between").isFalse();
    assertThat(back.staysOn("a", 4)).isTrue();
    assertThat(OwnershipRecord.decode("/p", back.encoded())).isEqualTo(back);
  }

  @Test
  void aRecordOfVersion1IsReadAndFollowed() {
    UUID claim = UUID.fromString("11111111-2222-3333-4444-555555555555");
    byte[] octets =
        "here-owner 1\ntoken 5\ntakeover allowed\nclaim %s\nhost a\n"
            .formatted(claim)
            .getBytes(StandardCharsets.UTF_8);
    OwnershipRecord old = OwnershipRecord.decode("/p", octets);
    assertThat(old).isEqualTo(new OwnershipRecord(5, 5, true, claim, "a"));
    assertThat(old.next(claim, "a").staysOn("a", 5)).isTrue();
    byte[] wrong =
        "here-owner 2\ntoken 5\nsince 6\ntakeover allowed\nclaim %s\nhost a\n"
            .formatted(claim)
            .getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> OwnershipRecord.decode("/p", wrong))
        .isInstanceOf(OwnershipException.class)
        .hasMessageContaining("since 6");
  }

  private static ZooKeeper observer() throws Exception {
    return new ZooKeeper(WitnessTest.connectString(witness), 5000, event -> {});
  }

  private static boolean exists(ZooKeeper observer, String path) {
    try {
      return observer.exists(path, false) != null;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
