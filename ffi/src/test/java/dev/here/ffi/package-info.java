@NullMarked
package dev.here.ffi;

import org.jspecify.annotations.NullMarked;
