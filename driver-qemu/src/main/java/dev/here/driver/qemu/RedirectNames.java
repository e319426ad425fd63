package dev.here.driver.qemu;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ids inside QEMU of what redirects a card's frames: sockets, each with a filter of the same name.
 *
 * @param card tells several cards of one guest apart, from 0
 */
record RedirectNames(int card) {
  /** All that HERE makes inside a QEMU has an id that begins so. */
  static final String OURS = "here-";

  private static final String FILTER = "-filter";
  private static final Pattern IN_FILTER = Pattern.compile(OURS + "nic(\\d{1,3})-in" + FILTER);

  /** What all ids of the card begin with. */
  String prefix() {
    return OURS + "nic" + card + "-";
  }

  /** The socket on which the gate gives frames back. */
  String in() {
    return prefix() + "in";
  }

  /** The socket on which the gate takes frames; without its filter they take the direct way. */
  String out() {
    return prefix() + "out";
  }

  /** The socket for what a dead keeper's gate held. */
  String held() {
    return prefix() + "held";
  }

  static String filterOf(String socket) {
    return socket + FILTER;
  }

  /** The card that a filter of {@link #in} belongs to; empty for any other filter. */
  static OptionalInt cardOfInFilter(String id) {
    Matcher matcher = IN_FILTER.matcher(id);
    return matcher.matches()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }
}
