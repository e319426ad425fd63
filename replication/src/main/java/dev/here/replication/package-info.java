/** Seeding, epochs, commit, acknowledgement, ownership and failover; no native code. */
@NullMarked
package dev.here.replication;

import org.jspecify.annotations.NullMarked;
