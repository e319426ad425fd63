package dev.here.formats.xen;

/**
 * One thing in a saved or migrated guest's stream, in the order in which they come: the header of
 * {@code xl save}, libxl's header and records, and between these libxc's headers and records. Items
 * keep reserved members, so that they are written as they were read.
 *
 * <p>Described in docs/specs/xen-streams.md.
 */
public sealed interface XenStreamItem
    permits XlSaveHeader, LibxlHeader, LibxlRecord, LibxcHeader, LibxcRecord {}
