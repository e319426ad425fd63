package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A drive of the guest with a medium in it.
 *
 * @param drive QEMU's name of the drive, for example {@code virtio0}
 * @param device type of the device that shows it to the guest, empty when none does
 * @param file what it is stored in: a path, or a description that QEMU gives in JSON
 * @param format for example raw
 * @param sizeBytes size that the guest sees
 * @param writable the guest can write to it
 * @param shared declared as usable from several machines at once ({@code share-rw=on})
 * @param removable a drive for removable media
 */
public record QemuDisk(
    String drive,
    String device,
    String file,
    String format,
    long sizeBytes,
    boolean writable,
    boolean shared,
    boolean removable) {
  /**
   * SHA-256 of the disk's file, lower-case hexadecimal, for comparison with the standby's copy.
   * Reads the whole file.
   *
   * @throws HypervisorException when the disk is not a plain file here
   */
  public String sha256() {
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] part = new byte[1 << 20];
      for (int count = in.read(part); count >= 0; count = in.read(part)) {
        digest.update(part, 0, count);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new HypervisorException("cannot read disk %s from %s".formatted(drive, file), e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
