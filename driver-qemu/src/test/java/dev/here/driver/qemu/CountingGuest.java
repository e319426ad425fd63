package dev.here.driver.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** A firmware that counts in page 1 of memory as fast as it can, from the reset vector on. */
final class CountingGuest {
  /** Guest-physical address of the little-endian 32-bit count. */
  static final int COUNT_GPA = 0x1000;

  private static final int IMAGE_BYTES = 0x10000;
  private static final int RESET_VECTOR = 0xfff0;

  private CountingGuest() {}

  static Path write(Path folder) throws IOException {
    byte[] image = new byte[IMAGE_BYTES];
    String code =
        "fa" // cli
            + "31c0" // xor ax, ax
            + "8ed8" // mov ds, ax
            + "66ff060010" // inc dword [0x1000]
            // TCG does not see further writes of a page until the CPU's own entry for it goes.
            + "0f013e0010" // invlpg [0x1000]
            + "ebf4"; // jmp to inc
    place(image, 0, code);
    place(image, RESET_VECTOR, "ea000000f0"); // jmp f000:0000
    return Files.write(folder.resolve("counting.bin"), image);
  }

  private static void place(byte[] image, int at, String hex) {
    byte[] code = HexFormat.of().parseHex(hex);
    System.arraycopy(code, 0, image, at, code.length);
  }
}
