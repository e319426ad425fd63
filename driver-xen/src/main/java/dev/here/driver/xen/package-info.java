/** Driver for HVM domains of a stock Xen, from dom0. */
@NullMarked
package dev.here.driver.xen;

import org.jspecify.annotations.NullMarked;
