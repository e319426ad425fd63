package dev.here.formats.xen;

import java.util.ArrayList;
import java.util.List;

/**
 * The HPET: its register page, of which Xen fills the registers that there are, and what it keeps
 * beside it. One tick is 16 ns.
 *
 * @param instance 0
 * @param capability capabilities and period
 * @param res0 kept
 * @param config general configuration
 * @param res1 kept
 * @param isr interrupt status
 * @param res2 kept, 25
 * @param mc64 main counter
 * @param res3 kept
 * @param timers three
 * @param res5 kept, 84
 * @param period last value written to each timer's comparator as a period
 */
public record HvmHpet(
    int instance,
    long capability,
    long res0,
    long config,
    long res1,
    long isr,
    List<Long> res2,
    long mc64,
    long res3,
    List<Timer> timers,
    List<Long> res5,
    List<Long> period)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_hw_hpet",
          """
          capability:8 res0:8 config:8 res1:8 isr:8 res2:8*25 mc64:8 res3:8 timers:8*12
          res5:8*84 period:8*3
          """);
  private static final int TIMERS = 3;

  public HvmHpet {
    res2 = HvmContext.elements("hvm_hw_hpet.res2", res2, 25);
    timers = HvmContext.elements("hvm_hw_hpet.timers", timers, TIMERS);
    res5 = HvmContext.elements("hvm_hw_hpet.res5", res5, 84);
    period = HvmContext.elements("hvm_hw_hpet.period", period, TIMERS);
  }

  /**
   * One timer.
   *
   * @param config configuration and capabilities
   * @param cmp comparator, all 64 bits even of a timer in 32-bit mode
   * @param fsb FSB route
   * @param res4 kept
   */
  public record Timer(long config, long cmp, long fsb, long res4) {}

  static HvmHpet decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    List<Long> registers = fields.numbers("timers");
    var timers = new ArrayList<Timer>();
    for (int i = 0; i < 4 * TIMERS; i += 4) {
      timers.add(
          new Timer(
              registers.get(i), registers.get(i + 1), registers.get(i + 2), registers.get(i + 3)));
    }
    return new HvmHpet(
        instance,
        fields.number("capability"),
        fields.number("res0"),
        fields.number("config"),
        fields.number("res1"),
        fields.number("isr"),
        fields.numbers("res2"),
        fields.number("mc64"),
        fields.number("res3"),
        timers,
        fields.numbers("res5"),
        fields.numbers("period"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.HPET;
  }

  @Override
  public byte[] body() {
    var registers = new ArrayList<Long>();
    for (Timer timer : timers) {
      registers.addAll(List.of(timer.config(), timer.cmp(), timer.fsb(), timer.res4()));
    }
    return HvmFields.empty(LAYOUT)
        .put("capability", capability)
        .put("res0", res0)
        .put("config", config)
        .put("res1", res1)
        .put("isr", isr)
        .put("res2", res2)
        .put("mc64", mc64)
        .put("res3", res3)
        .put("timers", registers)
        .put("res5", res5)
        .put("period", period)
        .body();
  }
}
