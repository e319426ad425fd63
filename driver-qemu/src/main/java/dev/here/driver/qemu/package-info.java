/** Driver for an unmodified, running QEMU. */
@NullMarked
package dev.here.driver.qemu;

import org.jspecify.annotations.NullMarked;
