package dev.here.net;

import java.lang.foreign.MemorySegment;

/**
 * One end of a link that carries Ethernet frames. A frame is always a run of octets
 *
 * <pre>
 *   0        12                       length
 *   | header | Ethernet frame, no FCS |
 * </pre>
 *
 * whose header is virtio-net's of 12 octets, little-endian (VIRTIO 1.2, section 5.1.6: flags,
 * gso_type, hdr_len, gso_size, csum_start, csum_offset, num_buffers), so that segmentation and
 * checksums that were put off stay so. A header of zeros says that nothing was put off.
 *
 * <p>One thread sends, one thread receives; they may be two. Segments are native memory.
 */
public interface FramePort extends AutoCloseable {
  /** Length of the header in octets. */
  int HEADER_BYTES = 12;

  /** Longest header and frame together, in octets: what QEMU's net layer carries too. */
  int MAX_RECORD_BYTES = 4096 + 65536;

  /** Shortest frame, in octets: an Ethernet header. */
  int MIN_FRAME_BYTES = 14;

  /**
   * Sends the first {@code length} octets of {@code record}, header and frame; never waits.
   *
   * @return whether the link took it; a frame that it did not take is lost, as on a full link
   */
  boolean send(MemorySegment record, int length);

  /**
   * Waits up to {@code timeoutMillis} for a frame.
   *
   * @param record gets header and frame; at least {@link #MAX_RECORD_BYTES} long
   * @return their length, or 0 when none came; an end that was closed gives 0 at once
   */
  int receive(MemorySegment record, int timeoutMillis);

  /** Says which work {@link #receive} may leave to the receiver; anything else is done before. */
  void accept(Offloads offloads);

  @Override
  void close();
}
