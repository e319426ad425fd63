package dev.here.bench;

import java.util.Arrays;

/**
 * One measured figure, beside a reference that was measured in the same run. What each name means
 * stands in docs/bench.md.
 *
 * @param name for example {@code pause.staged.2000}
 * @param value median of the runs
 * @param unit of value and reference
 * @param reference what the same work costs at least, or an absolute bar
 * @param ratio value / reference
 * @param bar the ratio that is answered for: at most, or at least where more is better
 * @param runs measured runs, without those to warm up
 * @param met the ratio keeps to the bar
 */
public record Figure(
    String name,
    double value,
    String unit,
    double reference,
    double ratio,
    double bar,
    int runs,
    boolean met) {
  private static final int DIGITS = 4;

  /** Where less is better: the ratio shall be {@code bar} at most. */
  public static Figure atMost(
      String name, double value, String unit, double reference, double bar, int runs) {
    double ratio = value / reference;
    return of(name, value, unit, reference, bar, runs, ratio <= bar);
  }

  /** Where more is better: the ratio shall be {@code bar} at least. */
  public static Figure atLeast(
      String name, double value, String unit, double reference, double bar, int runs) {
    double ratio = value / reference;
    return of(name, value, unit, reference, bar, runs, ratio >= bar);
  }

  private static Figure of(
      String name, double value, String unit, double reference, double bar, int runs, boolean met) {
    return new Figure(
        name,
        rounded(value),
        unit,
        rounded(reference),
        rounded(value / reference),
        rounded(bar),
        runs,
        met);
  }

  /** To four significant digits: more would only look exact. */
  private static double rounded(double number) {
    if (number == 0 || !Double.isFinite(number)) {
      return number;
    }
    double unit = Math.pow(10, DIGITS - 1 - Math.floor(Math.log10(Math.abs(number))));
    return Math.round(number * unit) / unit;
  }

  /** The middle of {@code values}; at least one. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
