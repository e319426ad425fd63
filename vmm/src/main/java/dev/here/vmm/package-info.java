/** Our own KVM virtual machine monitor: one process per virtual machine. */
@NullMarked
package dev.here.vmm;

import org.jspecify.annotations.NullMarked;
