/*
 * The service that runs in the lab's guest. Its state is in memory, so it is lost with the guest unless HERE keeps it.
 *
 * A line protocol on TCP port 7; one thread serves all connections in turn, so no request is answered twice:
 *
 *   inc N                    counts one request:            "COUNT N"
 *   uptime                   seconds since boot, monotonic: "uptime BOOTTIME MONOTONIC"
 *   clock                    wall clock and monotonic:      "clock REALTIME MONOTONIC"
 *   boot                     this boot's identity:          "boot ID"
 *   journal                  re-reads the file on a RAM file system to which every count was appended:
 *                            "journal RECORDS ok|corrupt"
 *   disk                     reads all of /dev/vda past the page cache: "disk BYTES FNV1A64"
 *   attack                   lets the kernel write to ports from 0x500 on, where QEMU's isa-debug-exit listens: "attack survived"
 *   load memory MIB [USEC]   keeps writing to every page of MIB mebibytes, USEC microseconds between rounds
 *   load stop
 *   selftest start MIB N     N processes keep checking and changing a seeded pattern in MIB mebibytes each
 *   selftest status          "selftest CHECKED ERRORS RUNNING"
 *   selftest stop
 *   gaps start MIB USEC LIMIT  writes to every page of MIB mebibytes, a round each USEC microseconds, and looks at the clock all the
 *                            time: a step of more than LIMIT microseconds is a gap, in which the guest stood still
 *   gaps status              "gaps SECONDS COUNT MEAN_USEC P99_USEC STEPS"
 *   gaps stop
 *   ports start              writes numbered lines to the serial port as fast as it takes them, an octet a write to its port
 *   ports stop               "ports LINES", when all of them are out
 *   numbers start CARD RATE  sends UDP frames to everybody on ethCARD, numbered from 1, RATE a second:
 *                            "here-number CARD NUMBER BOOT" to port 9
 *   numbers status CARD      "numbers CARD LAST FAILED": the last number that was sent, and attempts that failed (the number is
 *                            tried again)
 *   numbers stop CARD
 *
 * TCP port 19 sends a stream: the request "send OCTETS" is answered with that many octets, and when all of them are acknowledged
 * with lines about the sender's side of the connection: "stream KEY=VALUE..." each 100 ms (struct tcp_info of linux/tcp.h, times
 * in microseconds), and "end KEY=VALUE..." (events of the guest's whole TCP meanwhile, /proc/net/netstat).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/serial.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, LINE_MAX_BYTES = 256, WORKERS = 8, PAGE = 4096, WORDS = PAGE / 8, DEBUG_EXIT_PORT = 0x500, GAPS = 16384,
    CARDS = 4, STREAM_PORT = 19, STREAM_BLOCK = 1 << 20, SAMPLES = 4096, SAMPLE_MICROSECONDS = 100000 };

struct connection {
    int fd;
    size_t used;
    char line[LINE_MAX_BYTES];
};

/* What a memory checker reports; shared with its process. */
struct report {
    volatile uint64_t checked;
    volatile uint64_t errors;
    pid_t pid;
};

static struct connection connections[CONNECTIONS];
/* Gaps that were seen; shared with the process that looks for them. */
struct gaps {
    double began;
    volatile uint64_t steps;
    volatile uint32_t count;
    uint32_t microseconds[GAPS];
};

/* Lines written to the serial port; shared with the process that writes them. */
struct lines {
    volatile uint64_t written;
    volatile int enough;
};

/* Numbered frames that were sent on a card; shared with the process that sends them. */
struct numbers {
    volatile uint64_t last;
    volatile uint64_t failed;
};

static struct numbers *numbers;
static pid_t numbers_pid[CARDS];
static struct report *reports;
static struct gaps *gaps;
static struct lines *lines;
static pid_t lines_pid;
static pid_t gaps_pid;
static pid_t load_pid;
static uint64_t count;
static int journal;
static int server_fd;
static int stream_fd;

static void answer(int fd, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    text[size++] = '\n';
    for (int at = 0; at < size;) {
        ssize_t n = write(fd, text + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        at += n;
    }
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static uint64_t pattern_seed(uint64_t worker, uint64_t page, uint64_t generation)
{
    uint64_t z = (worker << 56) ^ (page << 28) ^ generation;
    z = (z + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    z ^= z >> 31;
    return z ? z : 1;
}

static void write_pattern(uint64_t *words, uint64_t seed)
{
    for (int i = 0; i < WORDS; i++)
        words[i] = next_random(&seed);
}

static int check_pattern(const uint64_t *words, uint64_t seed)
{
    for (int i = 0; i < WORDS; i++)
        if (words[i] != next_random(&seed))
            return 0;
    return 1;
}

static void check_memory(struct report *report, int worker, size_t mebibytes)
{
    size_t pages = mebibytes << 8;
    uint64_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t *generations = calloc(pages, sizeof *generations);
    if (memory == MAP_FAILED || !generations) {
        report->errors++;
        return;
    }
    for (size_t page = 0; page < pages; page++)
        write_pattern(memory + page * WORDS, pattern_seed(worker, page, 0));
    uint64_t random = 88172645463325252 + worker;
    for (;;) {
        size_t page = next_random(&random) % pages;
        uint64_t *words = memory + page * WORDS;
        if (!check_pattern(words, pattern_seed(worker, page, generations[page])))
            report->errors++;
        write_pattern(words, pattern_seed(worker, page, ++generations[page]));
        report->checked++;
    }
}

static void dirty_memory(size_t mebibytes, useconds_t pause)
{
    size_t size = mebibytes << 20;
    volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint64_t round = 1; memory != MAP_FAILED; round++) {
        for (size_t at = 0; at < size; at += PAGE)
            *(volatile uint64_t *)(memory + at) = round + at;
        if (pause)
            usleep(pause);
    }
}

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static void look_for_gaps(size_t mebibytes, uint64_t round, uint64_t limit)
{
    size_t size = mebibytes << 20, at = 0;
    volatile char *memory = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    uint64_t before = microseconds(), due = before;
    for (;;) {
        uint64_t now = microseconds();
        if (now - before > limit && gaps->count < GAPS) {
            gaps->microseconds[gaps->count] = now - before;
            gaps->count++;
        }
        before = now;
        gaps->steps++;
        if (at < size) {
            *(volatile uint64_t *)(memory + at) = now + at;
            at += PAGE;
        } else if (now >= due) {
            at = 0;
            due = now + round;
        }
    }
}

static void write_lines(void)
{
    FILE *port = fopen("/dev/ttyS0", "w");
    if (!port)
        return;
    while (!lines->enough) {
        fprintf(port, "port %" PRIu64 "\n", lines->written + 1);
        if (fflush(port))
            return;
        lines->written++;
    }
    tcdrain(fileno(port));
}

/* A working child keeps none of the clients' connections open. */
static void leave_clients(void)
{
    close(server_fd);
    close(stream_fd);
    for (int i = 0; i < CONNECTIONS; i++)
        if (connections[i].fd >= 0)
            close(connections[i].fd);
}

static void stop(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

static void do_load(int fd, const char *line)
{
    size_t mebibytes;
    unsigned pause = 0;
    if (sscanf(line, "load memory %zu %u", &mebibytes, &pause) >= 1) {
        stop(&load_pid);
        if ((load_pid = fork()) == 0) {
            leave_clients();
            dirty_memory(mebibytes, pause);
            _exit(1);
        }
        answer(fd, "load %zu MiB", mebibytes);
    } else if (!strcmp(line, "load stop")) {
        stop(&load_pid);
        answer(fd, "load stopped");
    } else {
        answer(fd, "error: load memory MIB [USEC] | load stop");
    }
}

static int by_size(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

static void gaps_status(int fd)
{
    static uint32_t sorted[GAPS];
    uint32_t n = gaps->count;
    uint64_t sum = 0;
    memcpy(sorted, gaps->microseconds, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    for (uint32_t i = 0; i < n; i++)
        sum += sorted[i];
    answer(fd, "gaps %.3f %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu64, seconds(CLOCK_MONOTONIC) - gaps->began, n,
           n ? sum / n : 0, n ? sorted[(n * 99ull + 99) / 100 - 1] : 0, gaps->steps);
}

static void do_gaps(int fd, const char *line)
{
    size_t mebibytes;
    uint64_t round, limit;
    if (sscanf(line, "gaps start %zu %" SCNu64 " %" SCNu64, &mebibytes, &round, &limit) == 3) {
        stop(&gaps_pid);
        gaps->count = 0;
        gaps->steps = 0;
        gaps->began = seconds(CLOCK_MONOTONIC);
        if ((gaps_pid = fork()) == 0) {
            leave_clients();
            look_for_gaps(mebibytes, round, limit);
            _exit(1);
        }
        answer(fd, "gaps running");
    } else if (!strcmp(line, "gaps status")) {
        gaps_status(fd);
    } else if (!strcmp(line, "gaps stop")) {
        stop(&gaps_pid);
        gaps_status(fd);
    } else {
        answer(fd, "error: gaps start MIB USEC LIMIT | gaps status | gaps stop");
    }
}

static void selftest_status(int fd)
{
    uint64_t checked = 0, errors = 0;
    int running = 0;
    for (int i = 0; i < WORKERS; i++) {
        checked += reports[i].checked;
        errors += reports[i].errors;
        running += reports[i].pid > 0 && waitpid(reports[i].pid, NULL, WNOHANG) == 0;
    }
    answer(fd, "selftest %" PRIu64 " %" PRIu64 " %d", checked, errors, running);
}

static void do_selftest(int fd, const char *line)
{
    size_t mebibytes;
    int workers;
    if (sscanf(line, "selftest start %zu %d", &mebibytes, &workers) == 2 && workers > 0 && workers <= WORKERS) {
        for (int i = 0; i < WORKERS; i++) {
            stop(&reports[i].pid);
            reports[i].checked = reports[i].errors = 0;
        }
        for (int i = 0; i < workers; i++) {
            pid_t pid = fork();
            if (pid == 0) {
                leave_clients();
                check_memory(&reports[i], i, mebibytes);
                _exit(1);
            }
            reports[i].pid = pid;
        }
        answer(fd, "selftest %d running", workers);
    } else if (!strcmp(line, "selftest status")) {
        selftest_status(fd);
    } else if (!strcmp(line, "selftest stop")) {
        for (int i = 0; i < WORKERS; i++)
            stop(&reports[i].pid);
        selftest_status(fd);
    } else {
        answer(fd, "error: selftest start MIB N | selftest status | selftest stop");
    }
}

static const char *boot_identity(void)
{
    static char id[64];
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
    ssize_t size = read(file, id, sizeof id - 1);
    close(file);
    if (size > 0 && id[size - 1] == '\n')
        id[size - 1] = 0;
    return id;
}

/* The number is counted after it was sent, so a guest that goes on from a checkpoint sends each number once. */
static void send_numbers(int card, unsigned rate)
{
    char name[IFNAMSIZ], text[LINE_MAX_BYTES];
    struct sockaddr_in everybody = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = INADDR_BROADCAST};
    int yes = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(name, sizeof name, "eth%d", card);
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    /* Without it a frame that the card's full queue drops would count as sent. */
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name) + 1))
        return;
    const char *boot = boot_identity();
    for (;;) {
        uint64_t number = numbers[card].last + 1;
        int size = snprintf(text, sizeof text, "here-number %d %" PRIu64 " %s\n", card, number, boot);
        if (sendto(fd, text, size, 0, (struct sockaddr *)&everybody, sizeof everybody) == size)
            numbers[card].last = number;
        else
            numbers[card].failed++;
        usleep(1000000 / rate);
    }
}

static void do_numbers(int fd, const char *line)
{
    int card;
    unsigned rate;
    if (sscanf(line, "numbers start %d %u", &card, &rate) == 2 && card >= 0 && card < CARDS && rate > 0) {
        stop(&numbers_pid[card]);
        numbers[card].last = numbers[card].failed = 0;
        if ((numbers_pid[card] = fork()) == 0) {
            leave_clients();
            send_numbers(card, rate);
            _exit(1);
        }
        answer(fd, "numbers %d running", card);
        return;
    }
    int stopping = sscanf(line, "numbers stop %d", &card) == 1;
    if ((stopping || sscanf(line, "numbers status %d", &card) == 1) && card >= 0 && card < CARDS) {
        if (stopping)
            stop(&numbers_pid[card]);
        answer(fd, "numbers %d %" PRIu64 " %" PRIu64, card, numbers[card].last, numbers[card].failed);
    } else {
        answer(fd, "error: numbers start CARD RATE | numbers status CARD | numbers stop CARD");
    }
}

/* A counter of /proc/net/netstat, whose lines come in pairs: the names, and their values in the same order. */
static uint64_t network_events(const char *name)
{
    static char names[8192], values[8192];
    uint64_t found = 0;
    FILE *file = fopen("/proc/net/netstat", "r");
    while (file && fgets(names, sizeof names, file) && fgets(values, sizeof values, file)) {
        char *at_name, *at_value, *word = strtok_r(names, " \n", &at_name), *value = strtok_r(values, " \n", &at_value);
        for (; word && value; word = strtok_r(NULL, " \n", &at_name), value = strtok_r(NULL, " \n", &at_value))
            if (!strcmp(word, name))
                found = strtoull(value, NULL, 10);
    }
    if (file)
        fclose(file);
    return found;
}

static const char *const EVENTS[] = {"TCPHystartTrainDetect", "TCPHystartDelayDetect", "TCPHystartTrainCwnd",
    "TCPHystartDelayCwnd", "TCPTimeouts", "TCPLossProbes", "TCPFastRetrans", "TCPSpuriousRTOs", "TCPDSACKRecv"};
enum { EVENT_KINDS = sizeof EVENTS / sizeof *EVENTS };

struct sample {
    uint64_t microseconds;
    int send_buffer;
    struct tcp_info info;
};

static struct sample samples[SAMPLES];
static int sampled;

static struct tcp_info take_sample(int fd, uint64_t began)
{
    struct sample sample = {.microseconds = microseconds() - began};
    socklen_t size = sizeof sample.info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &sample.info, &size);
    size = sizeof sample.send_buffer;
    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sample.send_buffer, &size);
    if (sampled < SAMPLES)
        samples[sampled++] = sample;
    return sample.info;
}

static void tell_samples(int fd, const uint64_t *events_before)
{
    char algorithm[16] = "", events[LINE_MAX_BYTES * 2] = "";
    socklen_t size = sizeof algorithm;
    FILE *out = fdopen(dup(fd), "w");
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, &size);
    for (int i = 0; out && i < sampled; i++) {
        struct tcp_info *t = &samples[i].info;
        fprintf(out, "stream time=%" PRIu64 " acked=%llu notsent=%u unacked=%u cwnd=%u ssthresh=%u mss=%u rtt=%u rttvar=%u min_rtt=%u"
            " snd_wnd=%u sndbuf=%d retrans=%u ca_state=%u pacing_rate=%llu delivery_rate=%llu app_limited=%u busy=%llu"
            " rwnd_limited=%llu sndbuf_limited=%llu\n",
            samples[i].microseconds, t->tcpi_bytes_acked, t->tcpi_notsent_bytes, t->tcpi_unacked, t->tcpi_snd_cwnd,
            t->tcpi_snd_ssthresh, t->tcpi_snd_mss, t->tcpi_rtt, t->tcpi_rttvar, t->tcpi_min_rtt, t->tcpi_snd_wnd,
            samples[i].send_buffer, t->tcpi_total_retrans, t->tcpi_ca_state, t->tcpi_pacing_rate, t->tcpi_delivery_rate,
            t->tcpi_delivery_rate_app_limited, t->tcpi_busy_time, t->tcpi_rwnd_limited, t->tcpi_sndbuf_limited);
    }
    for (int i = 0; i < EVENT_KINDS; i++)
        snprintf(events + strlen(events), sizeof events - strlen(events), " %s=%" PRIu64, EVENTS[i],
            network_events(EVENTS[i]) - events_before[i]);
    if (out) {
        fprintf(out, "end congestion_control=%s%s\n", algorithm, events);
        fclose(out);
    }
}

static void send_stream(int fd)
{
    char line[LINE_MAX_BYTES] = "";
    uint64_t octets, random = 88172645463325252, events[EVENT_KINDS];
    size_t used = 0;
    while (used < sizeof line - 1 && !strchr(line, '\n')) {
        ssize_t n = read(fd, line + used, sizeof line - 1 - used);
        if (n <= 0)
            return;
        used += n;
    }
    uint64_t *block = malloc(STREAM_BLOCK);
    if (!block || sscanf(line, "send %" SCNu64, &octets) != 1) {
        answer(fd, "error: send OCTETS");
        return;
    }
    /* Other octets in each page: equal ones would make a checkpoint cheaper than a real server's. */
    for (int i = 0; i < STREAM_BLOCK / 8; i++)
        block[i] = next_random(&random);
    for (int i = 0; i < EVENT_KINDS; i++)
        events[i] = network_events(EVENTS[i]);
    uint64_t began = microseconds(), due = began + SAMPLE_MICROSECONDS, sent = 0;
    struct tcp_info info = take_sample(fd, began);
    while (sent < octets || info.tcpi_unacked || info.tcpi_notsent_bytes) {
        uint64_t now = microseconds();
        if (now >= due) {
            info = take_sample(fd, began);
            due = now + SAMPLE_MICROSECONDS;
        }
        struct pollfd waited = {fd, sent < octets ? POLLOUT : 0, 0};
        if (poll(&waited, 1, sent < octets ? SAMPLE_MICROSECONDS / 1000 : 20) < 0 || waited.revents & (POLLERR | POLLHUP))
            return;
        if (waited.revents & POLLOUT) {
            size_t at = sent % STREAM_BLOCK, room = STREAM_BLOCK - at;
            ssize_t n = send(fd, (char *)block + at, room < octets - sent ? room : octets - sent, MSG_DONTWAIT);
            sent += n > 0 ? n : 0;
        }
    }
    take_sample(fd, began);
    tell_samples(fd, events);
}

/* Each stream has a process of its own, which nobody waits for: its parent ends at once. */
static void welcome_stream(int server)
{
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            leave_clients();
            send_stream(fd);
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(fd);
}

static void do_boot(int fd)
{
    answer(fd, "boot %s", boot_identity());
}

static void do_journal(int fd)
{
    uint64_t record, records = 0, wrong = 0;
    while (pread(journal, &record, sizeof record, records * sizeof record) == sizeof record)
        wrong += record != ++records;
    answer(fd, "journal %" PRIu64 " %s", records, wrong || records != count ? "corrupt" : "ok");
}

static void do_disk(int fd)
{
    static unsigned char block[65536] __attribute__((aligned(PAGE)));
    uint64_t hash = 0xcbf29ce484222325, total = 0;
    int disk = open("/dev/vda", O_RDONLY | O_DIRECT);
    ssize_t n;
    while (disk >= 0 && (n = read(disk, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ block[i]) * 0x100000001b3;
        total += n;
    }
    if (disk < 0)
        answer(fd, "error: no disk: %s", strerror(errno));
    else
        answer(fd, "disk %" PRIu64 " %016" PRIx64, total, hash);
    close(disk);
}

/*
 * The kernel looks for a serial port there, which writes to it. A process may not do that by itself in a guest of
 * an emulated host: QEMU's TCG refuses every port of the I/O permission map when VMRUN has loaded the task register.
 */
static void do_attack(int fd)
{
    struct serial_struct serial;
    int tty = open("/dev/ttyS1", O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (tty < 0 || ioctl(tty, TIOCGSERIAL, &serial)) {
        answer(fd, "error: /dev/ttyS1: %s", strerror(errno));
        return;
    }
    serial.port = DEBUG_EXIT_PORT;
    serial.irq = 0;
    int failed = ioctl(tty, TIOCSSERIAL, &serial) || ioctl(tty, TIOCSERCONFIG);
    int failure = errno;
    close(tty);
    if (failed)
        answer(fd, "error: serial port at 0x%x: %s", DEBUG_EXIT_PORT, strerror(failure));
    else
        answer(fd, "attack survived");
}

static void do_ports(int fd, const char *line)
{
    if (!lines)
        lines = mmap(NULL, sizeof *lines, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lines == MAP_FAILED) {
        lines = NULL;
        answer(fd, "error: no memory");
    } else if (!strcmp(line, "ports start") && !lines_pid) {
        lines->written = 0;
        lines->enough = 0;
        if ((lines_pid = fork()) == 0) {
            leave_clients();
            write_lines();
            _exit(0);
        }
        answer(fd, "ports started");
    } else if (!strcmp(line, "ports stop") && lines_pid) {
        lines->enough = 1;
        waitpid(lines_pid, NULL, 0);
        lines_pid = 0;
        answer(fd, "ports %" PRIu64, lines->written);
    } else {
        answer(fd, "error: ports start | ports stop, in turn");
    }
}

static void execute(int fd, const char *line)
{
    uint64_t number;
    if (sscanf(line, "inc %" SCNu64, &number) == 1) {
        count++;
        write(journal, &count, sizeof count);
        answer(fd, "%" PRIu64 " %" PRIu64, count, number);
    } else if (!strcmp(line, "uptime")) {
        answer(fd, "uptime %.6f %.6f", seconds(CLOCK_BOOTTIME), seconds(CLOCK_MONOTONIC));
    } else if (!strcmp(line, "clock")) {
        answer(fd, "clock %.6f %.6f", seconds(CLOCK_REALTIME), seconds(CLOCK_MONOTONIC));
    } else if (!strcmp(line, "boot")) {
        do_boot(fd);
    } else if (!strcmp(line, "journal")) {
        do_journal(fd);
    } else if (!strcmp(line, "disk")) {
        do_disk(fd);
    } else if (!strcmp(line, "attack")) {
        do_attack(fd);
    } else if (!strncmp(line, "load", 4)) {
        do_load(fd, line);
    } else if (!strncmp(line, "selftest", 8)) {
        do_selftest(fd, line);
    } else if (!strncmp(line, "gaps", 4)) {
        do_gaps(fd, line);
    } else if (!strncmp(line, "ports", 5)) {
        do_ports(fd, line);
    } else if (!strncmp(line, "numbers", 7)) {
        do_numbers(fd, line);
    } else {
        answer(fd, "error: unknown request");
    }
}

/* Takes what has arrived and executes the complete lines. Returns 0 when the connection is to be closed. */
static int receive(struct connection *connection)
{
    ssize_t n = read(connection->fd, connection->line + connection->used, LINE_MAX_BYTES - 1 - connection->used);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    connection->used += n;
    connection->line[connection->used] = 0;
    char *start = connection->line, *end;
    while ((end = strchr(start, '\n'))) {
        *end = 0;
        execute(connection->fd, start);
        start = end + 1;
    }
    connection->used -= start - connection->line;
    memmove(connection->line, start, connection->used);
    return connection->used < LINE_MAX_BYTES - 1;
}

static void welcome(int server)
{
    int yes = 1, fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    for (int i = 0; i < CONNECTIONS; i++)
        if (connections[i].fd < 0) {
            connections[i].fd = fd;
            connections[i].used = 0;
            return;
        }
    close(fd);
}

static int listening(int port)
{
    int yes = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, CONNECTIONS))
        return -1;
    return server;
}

static void *shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
    server_fd = listening(7);
    stream_fd = listening(STREAM_PORT);
    journal = open("/tmp/journal", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    reports = shared(sizeof *reports * WORKERS);
    gaps = shared(sizeof *gaps);
    numbers = shared(sizeof *numbers * CARDS);
    if (server_fd < 0 || stream_fd < 0 || journal < 0 || reports == MAP_FAILED || gaps == MAP_FAILED || numbers == MAP_FAILED) {
        perror("guestd");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i].fd = -1;
    for (;;) {
        struct pollfd set[CONNECTIONS + 2];
        for (int i = 0; i < CONNECTIONS; i++)
            set[i] = (struct pollfd){connections[i].fd, POLLIN, 0};
        set[CONNECTIONS] = (struct pollfd){server_fd, POLLIN, 0};
        set[CONNECTIONS + 1] = (struct pollfd){stream_fd, POLLIN, 0};
        if (poll(set, CONNECTIONS + 2, -1) < 0)
            continue;
        for (int i = 0; i < CONNECTIONS; i++)
            if (set[i].revents && !receive(&connections[i])) {
                close(connections[i].fd);
                connections[i].fd = -1;
            }
        if (set[CONNECTIONS].revents)
            welcome(server_fd);
        if (set[CONNECTIONS + 1].revents)
            welcome_stream(stream_fd);
    }
}
