/** The virtual rack: real hosts with real hypervisors on one machine. */
@NullMarked
package dev.here.lab;

import org.jspecify.annotations.NullMarked;
