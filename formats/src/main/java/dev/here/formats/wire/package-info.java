/** Our protocol between a primary and a standby. */
@NullMarked
package dev.here.formats.wire;

import org.jspecify.annotations.NullMarked;
