package dev.here.host;

import dev.here.replication.OwnershipException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is written down of a VM's ownership: docs/specs/ownership.md. It outlives owners; every new
 * owner writes a higher token.
 *
 * @param token fencing token of the last owner, at least 1
 * @param since the lowest token from which on all owners were on the same host as the last
 * @param takeOverAllowed whether a standby of that owner may follow it when its lease has ended
 * @param claim the attempt that made it the owner, to be known again when its answer was lost
 * @param host the last owner's name
 */
record OwnershipRecord(long token, long since, boolean takeOverAllowed, UUID claim, String host) {
  private static final int MOST_OCTETS = 1024;
  private static final int MOST_HOST_CHARS = 128;
  private static final String NUMBER = "([1-9][0-9]{0,18})";
  private static final String HOST = "host ([^\\p{Cntrl}]{1,128})\n";
  private static final Pattern RECORD =
      Pattern.compile(
          "here-owner (?:1\ntoken "
              + NUMBER
              + "|2\ntoken "
              + NUMBER
              + "\nsince "
              + NUMBER
              + ")\ntakeover (allowed|refused)\nclaim ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n"
              + HOST);

  /** Groups of {@link #RECORD}; version 1 says nothing of earlier owners. */
  private static final int TOKEN_1 = 1;

  private static final int TOKEN_2 = 2;
  private static final int SINCE = 3;
  private static final int TAKE_OVER = 4;
  private static final int CLAIM = 5;
  private static final int HOST_NAME = 6;
  private static final Pattern LEASE =
      Pattern.compile("here-lease 1\ntoken " + NUMBER + "\n" + HOST);

  /** Of the first owner that a VM ever had. */
  static OwnershipRecord first(UUID claimant, String hostName) {
    return new OwnershipRecord(1, 1, false, claimant, hostName);
  }

  /**
   * A host's name as it can be written.
   *
   * @throws IllegalArgumentException when it is empty, too long or has control characters
   */
  static String checkedHost(String host) {
    if (!Pattern.matches("[^\\p{Cntrl}]{1,%d}".formatted(MOST_HOST_CHARS), host)) {
      throw new IllegalArgumentException(
          "a host's name has 1 to %d characters and no control characters, not \"%s\""
              .formatted(MOST_HOST_CHARS, host));
    }
    return host;
  }

  /**
   * The record of the owner after this one.
   *
   * @throws OwnershipException when there is no higher token
   */
  OwnershipRecord next(UUID claimant, String hostName) {
    if (token == Long.MAX_VALUE) {
      throw new OwnershipException("fencing token %d has no successor".formatted(token));
    }
    long from = hostName.equals(host) ? since : token + 1;
    return new OwnershipRecord(token + 1, from, false, claimant, hostName);
  }

  /** Whether nobody on another host has been owner since the owner with {@code earlier}. */
  boolean staysOn(String hostName, long earlier) {
    return host.equals(hostName) && since <= earlier;
  }

  OwnershipRecord allowing(boolean allowed) {
    return new OwnershipRecord(token, since, allowed, claim, host);
  }

  byte[] encoded() {
    return "here-owner 2\ntoken %d\nsince %d\ntakeover %s\nclaim %s\nhost %s\n"
        .formatted(token, since, takeOverAllowed ? "allowed" : "refused", claim, host)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Contents of the owner node that belongs to this record. */
  byte[] encodedLease() {
    return "here-lease 1\ntoken %d\nhost %s\n"
        .formatted(token, host)
        .getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a record.
   *
   * @throws OwnershipException when these octets are not one
   */
  static OwnershipRecord decode(String path, byte[] octets) {
    Matcher fields = match(RECORD, path, octets);
    boolean first = fields.group(TOKEN_1) != null;
    long token = number(path, fields.group(first ? TOKEN_1 : TOKEN_2));
    long since = first ? token : number(path, fields.group(SINCE));
    if (since > token) {
      throw refused(path, "its owners are on one host since %d, after %d".formatted(since, token));
    }
    return new OwnershipRecord(
        token,
        since,
        fields.group(TAKE_OVER).equals("allowed"),
        UUID.fromString(fields.group(CLAIM)),
        fields.group(HOST_NAME));
  }

  /**
   * The token in an owner node.
   *
   * @throws OwnershipException when these octets are not an owner node's
   */
  static long leaseToken(String path, byte[] octets) {
    return number(path, match(LEASE, path, octets).group(1));
  }

  private static Matcher match(Pattern pattern, String path, byte[] octets) {
    if (octets.length > MOST_OCTETS) {
      throw refused(path, "it has %d octets".formatted(octets.length));
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets)).toString();
    } catch (CharacterCodingException e) {
      throw refused(path, "it is not text");
    }
    Matcher fields = pattern.matcher(text);
    if (!fields.matches()) {
      throw refused(path, "its lines are not those of a VM's ownership");
    }
    return fields;
  }

  private static long number(String path, String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw refused(path, "token " + digits + " is out of range");
    }
  }

  private static OwnershipException refused(String path, String why) {
    return new OwnershipException(
        "the witness's node %s was not written by us: %s; find out who did, then remove the node"
            .formatted(path, why));
  }
}
