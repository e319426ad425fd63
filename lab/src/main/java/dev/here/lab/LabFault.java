package dev.here.lab;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What can be done to a host of the lab. */
public enum LabFault {
  /** The host is gone at once, as when its power fails. */
  POWER,
  /** The host stands still and says nothing; its connections stay open. */
  HANG,
  /** The host and the others no longer reach each other; clients and the witness reach both. */
  PARTITION,
  /** The device models of the host's guests, which are QEMU processes, are killed. */
  DM_CRASH,
  /** The device models of the host's guests stand still. */
  DM_HANG,
  /** Hangs and a partition end; a host without power starts anew from its ready state. */
  HEAL;

  /** The fault's name in commands: its words joined by dashes. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The fault with this name, if there is one. */
  public static Optional<LabFault> of(String word) {
    return Arrays.stream(values()).filter(fault -> fault.word().equals(word)).findFirst();
  }
}
