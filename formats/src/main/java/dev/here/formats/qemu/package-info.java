/** QEMU migration and COLO streams, read and written. */
@NullMarked
package dev.here.formats.qemu;

import org.jspecify.annotations.NullMarked;
