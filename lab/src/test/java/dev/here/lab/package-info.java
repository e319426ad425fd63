@NullMarked
package dev.here.lab;

import org.jspecify.annotations.NullMarked;
