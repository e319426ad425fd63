package dev.here.cli;

/**
 * The guest's clocks, as its service tells them ("clock REALTIME MONOTONIC").
 *
 * @param realSeconds since 1970
 * @param monotonicSeconds since the guest's boot
 */
record GuestClock(double realSeconds, double monotonicSeconds) {

  static GuestClock parse(String answer) {
    String[] words = answer.split(" ", -1);
    if (words.length != 3 || !words[0].equals("clock")) {
      throw new HereProgram.Refusal("the guest's answer to clock: " + answer);
    }
    try {
      return new GuestClock(Double.parseDouble(words[1]), Double.parseDouble(words[2]));
    } catch (NumberFormatException e) {
      throw new HereProgram.Refusal("the guest's answer to clock: " + answer);
    }
  }

  /** Neither clock went back since. */
  boolean follows(GuestClock earlier) {
    return realSeconds >= earlier.realSeconds && monotonicSeconds >= earlier.monotonicSeconds;
  }
}
