@NullMarked
package dev.here.kvm;

import org.jspecify.annotations.NullMarked;
