package dev.here.lab;

/** What can be done to a host of the lab. */
public enum LabFault {
  /** The host is gone at once, as when its power fails. */
  POWER,
  /** The host stands still and says nothing; its connections stay open. */
  HANG,
  /** The host and the others no longer reach each other; clients and the witness reach both. */
  PARTITION,
  /** A hang or a partition ends; a host without power starts anew from its ready state. */
  HEAL
}
