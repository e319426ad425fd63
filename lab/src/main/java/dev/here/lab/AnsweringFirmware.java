package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A guest with a service, in a PC's firmware: 32-bit code that answers ARP and UDP port 7 on the
 * virtio-net card in slot 2 (legacy, by interrupts), and otherwise lives like {@link
 * TickingFirmware}. Its IPv4 address is {@value #NETWORK} and the last octet of the card's hardware
 * address. A request is at least 16 octets; its answer is the request with octets 8 to 15 replaced
 * by what is in the guest's memory then:
 *
 * <pre>
 *   0  8 octets of the client's own
 *   8  32 bits, little-endian: requests answered so far, this one included
 *  12  32 bits, little-endian: timer interrupts so far, 100 a second
 * </pre>
 *
 * The program is answering-firmware.s, beside this class.
 */
public final class AnsweringFirmware {
  /** First three octets of its address, with a dot. */
  public static final String NETWORK = "10.90.3.";

  /** Guest-physical address of the timer interrupts' counter, 32 bits. */
  public static final int TICKS_GPA = TickingFirmware.COUNTER_GPA;

  /** UDP port of its service. */
  public static final int PORT = 7;

  /** Shortest request, and place of the counters in an answer, octets. */
  public static final int REQUEST_BYTES = 16;

  public static final int ANSWERS_OFFSET = 8;
  public static final int TICKS_OFFSET = 12;

  private AnsweringFirmware() {}

  /**
   * Assembles and links the image, for QEMU's {@code -bios}.
   *
   * @throws LabException when there is no gcc
   */
  public static void build(Path image) {
    try {
      Path source = Files.createTempFile("here-firmware-", ".s");
      try {
        Files.write(source, LabCache.resource("answering-firmware.s"));
        Tool.run(
            "gcc",
            "-m32",
            "-nostdlib",
            "-static",
            "-Wl,-Ttext=0xf0000,--oformat=binary,--build-id=none",
            "-o",
            image.toString(),
            source.toString());
      } finally {
        Files.delete(source);
      }
    } catch (IOException e) {
      throw new LabException("a firmware cannot be assembled into " + image, e);
    }
  }
}
