/** Xen's HVM context, and the libxl and libxc migration streams, read and written. */
@NullMarked
package dev.here.formats.xen;

import org.jspecify.annotations.NullMarked;
