/** The daemons and their composition: hered, the keeper, the witness, the API. */
@NullMarked
package dev.here.host;

import org.jspecify.annotations.NullMarked;
