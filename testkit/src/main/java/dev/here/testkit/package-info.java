/** Fakes, the driver contract suite and fault-injecting channels. */
@NullMarked
package dev.here.testkit;

import org.jspecify.annotations.NullMarked;
