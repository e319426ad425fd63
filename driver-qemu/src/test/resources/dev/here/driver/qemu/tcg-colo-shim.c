/*
 * Test aid, preloaded into a stock QEMU 7.2 that runs under TCG; no part of the product.
 *
 * There, COLO's RAM pass waits for the condition of the big lock while it does not hold that lock,
 * and nobody wakes it. Here such a wait takes the lock, wakes all who wait under it, sleeps half a
 * millisecond and reports a spurious wake-up, which every caller of a condition must expect.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 512

static int (*plain_wait)(pthread_cond_t *, pthread_mutex_t *);
static int (*bounded_wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static pthread_cond_t *conditions[SLOTS];
static pthread_mutex_t *locks[SLOTS];
static int slots;
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void find_real(void)
{
    plain_wait = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");
    bounded_wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
}

static void remember(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    int known = __atomic_load_n(&slots, __ATOMIC_ACQUIRE);
    for (int i = 0; i < known; i++) {
        if (conditions[i] == condition && locks[i] == lock) {
            return;
        }
    }
    pthread_mutex_lock(&adding);
    if (slots < SLOTS) {
        conditions[slots] = condition;
        locks[slots] = lock;
        __atomic_store_n(&slots, slots + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&adding);
}

static void wake_others(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    int known = __atomic_load_n(&slots, __ATOMIC_ACQUIRE);
    for (int i = 0; i < known; i++) {
        if (locks[i] == lock && conditions[i] != condition) {
            pthread_cond_broadcast(conditions[i]);
        }
    }
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    struct timespec until;

    if (!plain_wait) {
        find_real();
    }
    if (lock->__data.__kind != 0) {
        return plain_wait(condition, lock);
    }
    if (lock->__data.__owner == syscall(SYS_gettid)) {
        remember(condition, lock);
        return plain_wait(condition, lock);
    }
    pthread_mutex_lock(lock);
    wake_others(condition, lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 500000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    bounded_wait(condition, lock, &until);
    pthread_mutex_unlock(lock);
    return 0;
}
