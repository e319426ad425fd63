/**
 * The only generic native linkage: libc calls with captured errno, memory maps, file descriptors,
 * netlink.
 */
@NullMarked
package dev.here.ffi;

import org.jspecify.annotations.NullMarked;
