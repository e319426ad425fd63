@NullMarked
package dev.here.net;

import org.jspecify.annotations.NullMarked;
