package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WitnessTest {
  private static final UUID VM = new UUID(1, 2);

  @TempDir Path folder;

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  static String connectString(Witness witness) {
    return "127.0.0.1:" + witness.address().getPort();
  }

  @Test
  void keepsTokensAcrossRestarts() {
    try (Witness witness = new Witness(anyPort(), folder);
        WitnessConnection connection = new WitnessConnection(connectString(witness))) {
      assertThat(OwnershipSteps.acquired(connection.ownership(VM, "a")).token()).isEqualTo(1);
    }
    try (Witness witness = new Witness(anyPort(), folder);
        WitnessConnection connection = new WitnessConnection(connectString(witness))) {
      assertThat(OwnershipSteps.acquired(connection.ownership(VM, "b")).token()).isEqualTo(2);
    }
  }

  @Test
  void leaseOutlivesARestartOfTheWitness() {
    Witness first = new Witness(anyPort(), folder);
    InetSocketAddress address = first.address();
    try (WitnessConnection connection = new WitnessConnection(connectString(first))) {
      Lease lease = OwnershipSteps.acquired(connection.ownership(VM, "a"));
      first.close();
      OwnershipSteps.until("the lease runs out", () -> !lease.mayRelease());
      try (Witness second = new Witness(address, folder);
          WitnessConnection other = new WitnessConnection(connectString(second))) {
        OwnershipSteps.until("the lease is renewed", lease::mayRelease);
        assertThat(lease.token()).isEqualTo(1);
        Ownership standby = other.ownership(VM, "b");
        OwnershipSteps.until("the witness answers", other::isConnected);
        assertThat(standby.acquire()).isEmpty();
      }
    }
  }

  @Test
  void folderThatCannotBeUsedIsNamed() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> new Witness(anyPort(), file))
        .isInstanceOf(HostException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void addressInUseIsNamed() {
    try (Witness witness = new Witness(anyPort(), folder.resolve("1"))) {
      assertThatThrownBy(() -> new Witness(witness.address(), folder.resolve("2")))
          .isInstanceOf(HostException.class)
          .hasMessageContaining(Integer.toString(witness.address().getPort()));
    }
  }
}
