package dev.here.driver.qemu;

import tools.jackson.databind.JsonNode;

/**
 * Something that QEMU told on its own account.
 *
 * @param name QEMU's name, for example {@code STOP}
 * @param data the event's data, an empty object where there is none
 * @param realtimeNanos QEMU's wall clock when it happened, nanoseconds since 1970, in steps of a
 *     microsecond
 */
public record QmpEvent(String name, JsonNode data, long realtimeNanos) {}
