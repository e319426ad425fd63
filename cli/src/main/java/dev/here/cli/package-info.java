/** The command line. */
@NullMarked
package dev.here.cli;

import org.jspecify.annotations.NullMarked;
