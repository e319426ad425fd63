package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("qemu")
@Timeout(60)
class QemuNicRedirectTest {
  @TempDir Path folder;

  private ServerSocketChannel listen(String name) throws Exception {
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(folder.resolve(name)));
    return server;
  }

  private QemuNicRedirect attach(RunningQemu qemu) {
    return QemuNicRedirect.attach(
        qemu.qmp(),
        qemu.inventory().nics().getFirst(),
        0,
        folder.resolve("out"),
        folder.resolve("in"),
        RunningQemu.TIMEOUT);
  }

  @Test
  void filtersComeAndGoAndLeftoversAreRemoved() throws Exception {
    try (var qemu =
            RunningQemu.start(
                folder,
                "-machine",
                "pc",
                "-m",
                "64",
                "-nic",
                "user,restrict=on,model=virtio-net-pci,id=n0");
        var out = listen("out");
        var in = listen("in")) {
      try (var redirect = attach(qemu)) {
        out.accept().close();
        in.accept().close();
        assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters())
            .containsExactly("here-nic0-in-filter", "here-nic0-out-filter");
        assertThatThrownBy(() -> attach(qemu)).hasMessageContaining("of another protection");
        assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters()).hasSize(2);
      }
      assertThat(QemuCleanup.undo(qemu.qmp(), QemuTimeouts.DEFAULT)).isEmpty();
      attach(qemu);
      assertThat(QemuCleanup.undo(qemu.qmp(), QemuTimeouts.DEFAULT))
          .containsExactlyInAnyOrder(
              "removed filter here-nic0-in-filter",
              "removed filter here-nic0-out-filter",
              "removed socket here-nic0-in",
              "removed socket here-nic0-out");
      assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters()).isEmpty();
    }
  }
}
