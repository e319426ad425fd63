/** The hypervisor-neutral description of a virtual machine at one instant. */
@NullMarked
package dev.here.machine;

import org.jspecify.annotations.NullMarked;
