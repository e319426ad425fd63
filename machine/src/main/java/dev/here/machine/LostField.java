package dev.here.machine;

/**
 * One thing that a translation could not carry.
 *
 * @param path where it stood in the source, for example ps2mouse/mouse_dx
 * @param value what it was
 * @param reason why it is not carried and what that means to the guest
 */
public record LostField(String path, String value, String reason) {}
