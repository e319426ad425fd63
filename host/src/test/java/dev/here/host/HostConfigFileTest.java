package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostConfigFileTest {
  private static final HostConfig CONFIG =
      new HostConfig(
          "a",
          Path.of("/run/here/hered.sock"),
          Path.of("/run/here"),
          new InetSocketAddress("127.0.0.1", 7700),
          Map.of("b", new InetSocketAddress("127.0.0.2", 7701)),
          "127.0.0.3:2181",
          Path.of("/run/here/token"),
          new GuestBridges("br0", Map.of("vmbr1", "br1")),
          List.of(Path.of("/srv/disks")),
          2,
          Duration.ofMillis(600));

  @TempDir private Path folder;

  @Test
  void readsBackWhatItWrote() throws Exception {
    Path file = Files.writeString(folder.resolve("hered.json"), HostConfigFile.text(CONFIG));
    assertThat(HostConfigFile.read(file)).isEqualTo(CONFIG);
  }

  @Test
  void refusesWhatIsNoAddress() throws Exception {
    String text = HostConfigFile.text(CONFIG).replace("127.0.0.1:7700", "127.0.0.1");
    Path file = Files.writeString(folder.resolve("hered.json"), text);
    assertThatThrownBy(() -> HostConfigFile.read(file))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("'127.0.0.1' is not HOST:PORT");
  }

  @Test
  void refusesAFileThatSaysTooLittle() throws Exception {
    Path file = Files.writeString(folder.resolve("hered.json"), "{\"name\": \"a\"}");
    assertThatThrownBy(() -> HostConfigFile.read(file))
        .isInstanceOf(HostException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("api");
  }
}
