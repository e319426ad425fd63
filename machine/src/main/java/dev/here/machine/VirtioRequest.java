package dev.here.machine;

/**
 * A request that the device took from a queue and has not answered: it is carried out again after a
 * restore.
 *
 * @param queueIndex its queue
 * @param headDescriptor head of its descriptor chain
 */
public record VirtioRequest(int queueIndex, int headDescriptor) {}
