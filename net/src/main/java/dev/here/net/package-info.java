/** The frame gate and what carries frames to and from it. */
@NullMarked
package dev.here.net;

import org.jspecify.annotations.NullMarked;
