package dev.here.net;

/**
 * Whether frames that were held may leave this host now. Asked before each of them, by the thread
 * that sends; answers at once, by a monotonic clock.
 */
@FunctionalInterface
public interface ReleasePermission {
  boolean mayRelease();
}
