/** Benchmarks: each figure as a ratio to a reference of the same run. */
@NullMarked
package dev.here.bench;

import org.jspecify.annotations.NullMarked;
