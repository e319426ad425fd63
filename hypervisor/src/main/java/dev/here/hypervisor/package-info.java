/** What every hypervisor driver must offer to be a primary or a standby. */
@NullMarked
package dev.here.hypervisor;

import org.jspecify.annotations.NullMarked;
