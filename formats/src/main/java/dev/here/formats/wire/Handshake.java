package dev.here.formats.wire;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * First exchange on every connection: magic, versions, and a proof by both sides that they know the
 * shared token (docs/specs/wire.md, Preamble). Nothing else is read from a peer before it.
 */
public final class Handshake {
  /** Fewest octets of a shared token. */
  public static final int MIN_TOKEN_BYTES = 16;

  private static final int NONCE_BYTES = 32;
  private static final int PREAMBLE_BYTES = 16 + NONCE_BYTES;
  private static final int PROOF_BYTES = 32;
  private static final byte[] INITIATOR = "here wire initiator".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ACCEPTOR = "here wire acceptor".getBytes(StandardCharsets.US_ASCII);

  private final SecretKeySpec token;
  private final SecureRandom random;

  /** With the token that all hosts share, at least {@value #MIN_TOKEN_BYTES} octets. */
  public Handshake(byte[] sharedToken) {
    if (sharedToken.length < MIN_TOKEN_BYTES) {
      throw new IllegalArgumentException(
          "the shared token has %d octets, give it at least %d"
              .formatted(sharedToken.length, MIN_TOKEN_BYTES));
    }
    this.token = new SecretKeySpec(sharedToken, "HmacSHA256");
    this.random = new SecureRandom();
  }

  /**
   * As the side that connected; returns the version to speak.
   *
   * @throws WireException when the peer is none of ours, speaks no common version, or does not know
   *     the token
   */
  public int initiate(ByteChannel channel) throws IOException {
    byte[] own = sendPreamble(channel);
    byte[] peer = readExactly(channel, PREAMBLE_BYTES);
    int version = commonVersion(peer);
    writeAll(channel, proof(INITIATOR, own, peer));
    checkProof(readExactly(channel, PROOF_BYTES), proof(ACCEPTOR, own, peer));
    return version;
  }

  /** As the side that was connected to; as {@link #initiate}. */
  public int accept(ByteChannel channel) throws IOException {
    byte[] own = sendPreamble(channel);
    byte[] peer = readExactly(channel, PREAMBLE_BYTES);
    int version = commonVersion(peer);
    checkProof(readExactly(channel, PROOF_BYTES), proof(INITIATOR, peer, own));
    writeAll(channel, proof(ACCEPTOR, peer, own));
    return version;
  }

  private byte[] sendPreamble(ByteChannel channel) throws IOException {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    ByteBuffer preamble = ByteBuffer.allocate(PREAMBLE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    preamble
        .putLong(WireProtocol.MAGIC)
        .putShort((short) WireProtocol.VERSION)
        .putShort((short) WireProtocol.OLDEST_VERSION)
        .putInt(0)
        .put(nonce);
    writeAll(channel, preamble.array());
    return preamble.array();
  }

  private static int commonVersion(byte[] preamble) {
    ByteBuffer in = ByteBuffer.wrap(preamble).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getLong() != WireProtocol.MAGIC) {
      throw new WireException("the peer does not speak this protocol (wrong magic)");
    }
    int newest = Short.toUnsignedInt(in.getShort());
    int oldest = Short.toUnsignedInt(in.getShort());
    int common = Math.min(newest, WireProtocol.VERSION);
    if (oldest > newest || common < oldest || common < WireProtocol.OLDEST_VERSION) {
      throw new WireException(
          "the peer speaks versions %d to %d, this host %d to %d; upgrade the older one"
              .formatted(oldest, newest, WireProtocol.OLDEST_VERSION, WireProtocol.VERSION));
    }
    return common;
  }

  private byte[] proof(byte[] role, byte[] initiator, byte[] acceptor) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(token);
      mac.update(role);
      mac.update(initiator);
      return mac.doFinal(acceptor);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HMAC-SHA256 is missing from this Java runtime", e);
    }
  }

  private static void checkProof(byte[] received, byte[] expected) {
    if (!MessageDigest.isEqual(received, expected)) {
      throw new WireException("the peer does not know the shared token");
    }
  }

  private static byte[] readExactly(ByteChannel channel, int length) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(length);
    while (in.hasRemaining()) {
      if (channel.read(in) < 0) {
        throw new EOFException("the peer closed the connection before it proved who it is");
      }
    }
    return in.array();
  }

  private static void writeAll(ByteChannel channel, byte[] octets) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(octets);
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }
}
