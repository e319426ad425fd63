package dev.here.machine;

/**
 * Segments, descriptor tables and control registers.
 *
 * @param cs segment register
 * @param ds segment register
 * @param es segment register
 * @param fs segment register
 * @param gs segment register
 * @param ss segment register
 * @param tr segment register
 * @param ldt segment register
 * @param gdt GDTR
 * @param idt IDTR
 * @param cr0 control register
 * @param cr2 control register
 * @param cr3 control register
 * @param cr4 control register
 * @param cr8 control register
 * @param efer EFER MSR
 * @param apicBase IA32_APIC_BASE MSR
 */
public record SystemRegisters(
    Segment cs,
    Segment ds,
    Segment es,
    Segment fs,
    Segment gs,
    Segment ss,
    Segment tr,
    Segment ldt,
    DescriptorTable gdt,
    DescriptorTable idt,
    long cr0,
    long cr2,
    long cr3,
    long cr4,
    long cr8,
    long efer,
    long apicBase) {}
