package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.kvm.Kvm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmmBootTest {
  private static final int DEBUG_EXIT_PORT = 0xf4;
  private static final int LOAD_GPA = 0x100000;

  @TempDir Path folder;

  /** Says OK on the serial port and ends with 10h if it was entered as Multiboot demands. */
  private static byte[] multibootImage() {
    int[] code = {
      0x3d,
      0x02,
      0xb0,
      0xad,
      0x2b,
      0x75,
      0x12, // cmp eax, 2badb002h; jne
      0x66,
      0xba,
      0xf8,
      0x03,
      0xb0,
      'O',
      0xee,
      0xb0,
      'K',
      0xee, // out 3f8h
      0x66,
      0xba,
      DEBUG_EXIT_PORT,
      0x00,
      0xb0,
      0x10,
      0xee,
      0xf4, // out f4h; hlt
      0x66,
      0xba,
      DEBUG_EXIT_PORT,
      0x00,
      0xb0,
      0x01,
      0xee,
      0xf4
    };
    ByteBuffer image = ByteBuffer.allocate(32 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    int flags = 1 << 16;
    image.putInt(0x1badb002).putInt(flags).putInt(-(0x1badb002 + flags));
    image.putInt(LOAD_GPA).putInt(LOAD_GPA).putInt(0).putInt(0).putInt(LOAD_GPA + 32);
    for (int octet : code) {
      image.put((byte) octet);
    }
    return image.array();
  }

  @Test
  void multibootImageRunsToItsExit() throws IOException, InterruptedException {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
    Path kernel = Files.write(folder.resolve("image"), multibootImage());
    Path console = folder.resolve("console");
    int status =
        Vmm.run(
            VmmOptions.parse(
                "--kernel",
                kernel.toString(),
                "--memory",
                "16",
                "--vcpus",
                "2",
                "--console",
                "file=" + console,
                "--debug-exit",
                "0xf4"));
    assertThat(status).isEqualTo(0x21);
    assertThat(console).hasContent("OK");
  }

  @Test
  void wrongOptionsAreNamed() {
    assertThatThrownBy(() -> VmmOptions.parse("--colour", "red"))
        .isInstanceOf(VmmException.class)
        .hasMessageContaining("--colour");
    assertThatThrownBy(() -> VmmOptions.parse("--vcpus", "9"))
        .isInstanceOf(VmmException.class)
        .hasMessageContaining("1 to 8");
    assertThatThrownBy(() -> VmmOptions.parse("--nic", "tap=here0,queues=9"))
        .isInstanceOf(VmmException.class)
        .hasMessageContaining("1 to 8");
    assertThatThrownBy(() -> VmmOptions.parse("--nic", "queues=2"))
        .isInstanceOf(VmmException.class)
        .hasMessageContaining("names no tap");
    assertThatThrownBy(VmmOptions::parse)
        .isInstanceOf(VmmException.class)
        .hasMessageContaining("nothing to do");
  }
}
