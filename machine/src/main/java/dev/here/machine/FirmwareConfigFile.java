package dev.here.machine;

/**
 * One item of the firmware configuration interface.
 *
 * @param selector key
 * @param name file name, empty for an item without
 * @param content what it reads
 */
public record FirmwareConfigFile(int selector, String name, Bytes content) {}
