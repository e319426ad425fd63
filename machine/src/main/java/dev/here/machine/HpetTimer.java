package dev.here.machine;

/**
 * One comparator of an HPET (IA-PC HPET specification 1.0a, section 2.3.8).
 *
 * @param config configuration and capability register
 * @param comparator comparator value
 * @param fsbRoute FSB interrupt route register
 * @param period last value written as period
 */
public record HpetTimer(long config, long comparator, long fsbRoute, long period) {}
