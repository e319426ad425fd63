/** Our own files: machine state and checkpoints. */
@NullMarked
package dev.here.formats.state;

import org.jspecify.annotations.NullMarked;
