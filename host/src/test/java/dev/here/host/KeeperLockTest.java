package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a daemon finds the keeper of a folder, whoever started that and whenever. */
@Timeout(60)
class KeeperLockTest {
  private static final ProcessMark GONE = new ProcessMark(1, "never", 1);

  @TempDir private Path folder;
  private Optional<Process> keeper = Optional.empty();

  /** Takes the lock as a keeper does, and says who it is when it is told to. */
  static final class Taking {
    private Taking() {}

    public static void main(String[] words) throws IOException {
      Path folder = Path.of(words[0]);
      try (KeeperLock only = KeeperLock.take(folder, Duration.ofSeconds(1)).orElse(null)) {
        System.out.write(only == null ? 'n' : 'y');
        System.out.flush();
        System.in.read();
        KeeperMark.write(folder);
        System.out.write('m');
        System.out.flush();
        System.in.read();
      }
    }
  }

  @BeforeEach
  void order() {
    new ProtectOrder(
            "vm1",
            "/run/vm1.qmp",
            "a",
            "b",
            "127.0.0.1",
            7700,
            "127.0.0.1:2181",
            "/token",
            0,
            0.2,
            2000,
            1000,
            0)
        .write(folder.resolve(Keeper.ORDER));
  }

  @AfterEach
  void end() throws Exception {
    if (keeper.isPresent()) {
      keeper.get().destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }

  private Process start() throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Taking.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    keeper = Optional.of(process);
    return process;
  }

  private static void goOn(Process process) throws IOException {
    process.getOutputStream().write(0);
    process.getOutputStream().flush();
  }

  @Test
  void aFolderWhoseKeeperHasEndedHasNone() {
    assertThat(KeeperProcess.adopt(folder).isAlive()).isFalse();
    JsonFile.write(folder.resolve("keeper.json"), GONE);
    assertThat(KeeperProcess.adopt(folder).isAlive()).isFalse();
    assertThat(KeeperLock.isHeld(folder)).isFalse();
  }

  /** The daemon that started it was killed, and a mark of the keeper before it is still there. */
  @Test
  void aKeeperThatHasNotSaidWhoItIsIsNoDeadOne() throws Exception {
    JsonFile.write(folder.resolve("keeper.json"), GONE);
    Process started = start();
    assertThat(started.getInputStream().read()).isEqualTo('y');
    assertThatThrownBy(() -> KeeperProcess.adopt(folder))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("a keeper is at work in");
    Thread later =
        Thread.ofVirtual()
            .start(() -> {
              try {
                Thread.sleep(100);
                goOn(started);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThat(KeeperProcess.adopt(folder).isAlive()).isTrue();
    later.join();
  }

  @Test
  void twoKeepersAreNotAtWorkInOneFolder() throws Exception {
    Process first = start();
    assertThat(first.getInputStream().read()).isEqualTo('y');
    goOn(first);
    assertThat(first.getInputStream().read()).isEqualTo('m');
    Process second = start();
    try {
      assertThat(second.getInputStream().read()).isEqualTo('n');
    } finally {
      keeper = Optional.of(first);
      second.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
    // A daemon that looks does not take it away.
    assertThat(List.of(KeeperLock.isHeld(folder), KeeperLock.isHeld(folder))).containsOnly(true);
    KeeperProcess found = KeeperProcess.adopt(folder);
    assertThat(found.isAlive()).isTrue();
    assertThat(found.other()).isEmpty();
    first.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    assertThat(KeeperLock.isHeld(folder)).isFalse();
    assertThat(KeeperProcess.adopt(folder).isAlive()).isFalse();
  }

  @Test
  void aKeeperFindsWhoHasItsPlace() throws Exception {
    KeeperProcess dead = KeeperProcess.adopt(folder);
    assertThat(dead.other()).isEmpty();
    Process first = start();
    assertThat(first.getInputStream().read()).isEqualTo('y');
    goOn(first);
    assertThat(first.getInputStream().read()).isEqualTo('m');
    assertThat(dead.other().map(KeeperProcess::isAlive)).contains(true);
  }

  @Test
  void aFolderThatIsNotThereIsNamed() throws Exception {
    Path missing = folder.resolve("missing");
    assertThat(Files.exists(missing)).isFalse();
    assertThatThrownBy(() -> KeeperLock.isHeld(missing))
        .isInstanceOf(HostException.class)
        .hasMessageContaining(missing.toString());
  }
}
