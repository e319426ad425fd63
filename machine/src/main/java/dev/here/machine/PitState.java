package dev.here.machine;

import java.util.List;

/**
 * The 8254 timer and port 61h.
 *
 * @param channels three
 * @param speakerData bit 1 of port 61h
 * @param refreshToggle bit 4 of port 61h as last read
 */
public record PitState(List<PitChannel> channels, boolean speakerData, boolean refreshToggle) {
  public PitState {
    Bounds.range("pit.channels", channels.size(), 3, 3);
    channels = List.copyOf(channels);
  }
}
