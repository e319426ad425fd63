/** The protocol between a VMM process and who controls it. */
@NullMarked
package dev.here.formats.control;

import org.jspecify.annotations.NullMarked;
