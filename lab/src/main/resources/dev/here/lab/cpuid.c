/* Prints every CPUID leaf of every CPU as "cpu leaf subleaf eax ebx ecx edx", in hexadecimal. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void print_leaf(int cpu, unsigned leaf, unsigned sub)
{
    unsigned a, b, c, d;
    __cpuid_count(leaf, sub, a, b, c, d);
    printf("%d %08x %02x %08x %08x %08x %08x\n", cpu, leaf, sub, a, b, c, d);
}

/* Leaves whose answer depends on the subleaf, and how many of them are worth printing. */
static unsigned subleaves(unsigned leaf)
{
    switch (leaf) {
    case 0x4: case 0x8000001d: return 8;
    case 0x7: case 0x12: case 0x14: case 0x17: case 0x18: case 0x1d: case 0x1e: case 0x1f: return 4;
    case 0xb: return 4;
    case 0xd: return 64;
    default: return 1;
    }
}

static void print_range(int cpu, unsigned base)
{
    unsigned max, b, c, d;
    __cpuid(base, max, b, c, d);
    if (max < base || max > base + 0x100)
        return;
    for (unsigned leaf = base; leaf <= max; leaf++)
        for (unsigned sub = 0; sub < subleaves(leaf); sub++)
            print_leaf(cpu, leaf, sub);
}

int main(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (int cpu = 0; cpu < cpus; cpu++) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set))
            return 1;
        print_range(cpu, 0);
        print_range(cpu, 0x40000000);
        print_range(cpu, 0x80000000);
    }
    return 0;
}
