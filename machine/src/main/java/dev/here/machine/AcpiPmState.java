package dev.here.machine;

import java.util.List;

/**
 * Power management of a PIIX4 (Intel 82371AB data sheet, chapter 7) and the hotplug registers
 * beside it. Register blocks are kept whole so that the guest finds them where its ACPI tables say.
 *
 * @param pmBase port of the power-management registers
 * @param pm1Status PM1 status
 * @param pm1Enable PM1 enable
 * @param pm1Control PM1 control
 * @param pmTimer the 3.579545 MHz counter at the instant of capture, not wrapped where the source
 *     tells it so
 * @param pmTimerBits width of that counter as the guest reads it: 24, or 32 under Xen
 * @param gpeBase port of the GPE block
 * @param gpeStatus GPE status octets
 * @param gpeEnable GPE enable octets
 * @param apmControl port B2h
 * @param apmStatus port B3h
 * @param smbusBase port of the SMBus controller, 0 when off
 * @param smbusRegisters its registers from the base on
 * @param pciHotplugBase port of the PCI hotplug registers, 0 when there are none
 * @param pciHotplugSelectUpDown selected bus, up mask, down mask
 * @param cpuHotplugBase port of the CPU hotplug registers, 0 when there are none
 * @param cpuHotplugModern the guest has switched them from the bitmap to the register interface
 * @param cpuHotplugSelector selected vCPU of that interface
 * @param cpuHotplugCommand its command register
 */
public record AcpiPmState(
    int pmBase,
    int pm1Status,
    int pm1Enable,
    int pm1Control,
    long pmTimer,
    int pmTimerBits,
    int gpeBase,
    Bytes gpeStatus,
    Bytes gpeEnable,
    int apmControl,
    int apmStatus,
    int smbusBase,
    Bytes smbusRegisters,
    int pciHotplugBase,
    List<Integer> pciHotplugSelectUpDown,
    int cpuHotplugBase,
    boolean cpuHotplugModern,
    int cpuHotplugSelector,
    int cpuHotplugCommand) {
  public AcpiPmState {
    for (int port : new int[] {pmBase, gpeBase, smbusBase, pciHotplugBase, cpuHotplugBase}) {
      Bounds.range("acpiPm port", port, 0, 0xffff);
    }
    Bounds.range("acpiPm.pmTimerBits", pmTimerBits, 24, 32);
    Bounds.range("acpiPm.gpeStatus", gpeStatus.length(), 0, 16);
    Bounds.range("acpiPm.gpeEnable", gpeEnable.length(), 0, 16);
    Bounds.range("acpiPm.smbusRegisters", smbusRegisters.length(), 0, 64);
    Bounds.range("acpiPm.pciHotplugSelectUpDown", pciHotplugSelectUpDown.size(), 0, 3);
    pciHotplugSelectUpDown = List.copyOf(pciHotplugSelectUpDown);
  }
}
