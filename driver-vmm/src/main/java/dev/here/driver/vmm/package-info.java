/** Driver for our own VMM over its control socket. */
@NullMarked
package dev.here.driver.vmm;

import org.jspecify.annotations.NullMarked;
