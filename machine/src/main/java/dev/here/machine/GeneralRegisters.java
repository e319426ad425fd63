package dev.here.machine;

/**
 * The general-purpose registers.
 *
 * @param rax 64 bits
 * @param rbx 64 bits
 * @param rcx 64 bits
 * @param rdx 64 bits
 * @param rsi 64 bits
 * @param rdi 64 bits
 * @param rsp 64 bits
 * @param rbp 64 bits
 * @param r8 64 bits
 * @param r9 64 bits
 * @param r10 64 bits
 * @param r11 64 bits
 * @param r12 64 bits
 * @param r13 64 bits
 * @param r14 64 bits
 * @param r15 64 bits
 * @param rip 64 bits
 * @param rflags 64 bits
 */
public record GeneralRegisters(
    long rax,
    long rbx,
    long rcx,
    long rdx,
    long rsi,
    long rdi,
    long rsp,
    long rbp,
    long r8,
    long r9,
    long r10,
    long r11,
    long r12,
    long r13,
    long r14,
    long r15,
    long rip,
    long rflags) {}
