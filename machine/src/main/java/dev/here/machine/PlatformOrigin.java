package dev.here.machine;

/**
 * What the hypervisor on which a guest was started needs to take it back, and no other has a use
 * for: the domain's configuration, parameters of its own, parts of devices that no guest can see.
 * It is carried untouched by all who hold the guest; only the formats of that hypervisor look
 * inside.
 *
 * @param form whose, and of which version of that hypervisor, for example {@code xen-4.17}
 * @param version layout of the data
 * @param data octets, see the form's specification
 */
public record PlatformOrigin(String form, int version, Bytes data) {
  /** Most octets of {@link #data}. */
  public static final int MAX_BYTES = 128 << 10;

  private static final int MAX_FORM = 32;

  public PlatformOrigin {
    Bounds.range("platform.origin.form.length", form.length(), 1, MAX_FORM);
    Bounds.range("platform.origin.version", version, 1, 255);
    Bounds.range("platform.origin.data", data.length(), 0, MAX_BYTES);
  }
}
