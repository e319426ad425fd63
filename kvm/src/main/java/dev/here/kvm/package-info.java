/** /dev/kvm: ioctl numbers, struct layouts and the objects that own its descriptors. */
@NullMarked
package dev.here.kvm;

import org.jspecify.annotations.NullMarked;
