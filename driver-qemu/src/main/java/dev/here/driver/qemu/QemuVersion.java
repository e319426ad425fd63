package dev.here.driver.qemu;

import tools.jackson.databind.JsonNode;

/**
 * QEMU's version as its greeting or {@code query-version} gives it.
 *
 * @param major for example 7
 * @param minor for example 2
 * @param micro for example 22
 * @param distribution the packager's addition, may be empty
 */
public record QemuVersion(int major, int minor, int micro, String distribution) {
  /** Not told yet. */
  static final QemuVersion UNKNOWN = new QemuVersion(0, 0, 0, "");

  /** Reads the {@code version} object of a greeting. */
  static QemuVersion of(JsonNode version) {
    JsonNode qemu = version.path("qemu");
    return new QemuVersion(
        qemu.path("major").asInt(0),
        qemu.path("minor").asInt(0),
        qemu.path("micro").asInt(0),
        version.path("package").asString(""));
  }

  /** The driver's name for this hypervisor, for example {@code qemu-7.2.22}. */
  public String name() {
    return "qemu-%d.%d.%d".formatted(major, minor, micro);
  }
}
