/** The gate at a guest's port, TAP interfaces, announcements, and what a port is joined to. */
@NullMarked
package dev.here.net;

import org.jspecify.annotations.NullMarked;
