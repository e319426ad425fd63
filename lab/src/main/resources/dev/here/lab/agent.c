/*
 * The control agent of a lab host: runs commands for the rack and carries their streams.
 *
 * It is the host's PID 1 once the init script is done, so it also reaps orphans. One connection is one command; the
 * protocol is described in docs/specs/lab-exec.md.
 *
 *   agent PORT        listens on every address of the host
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 65536, COMMAND_MAX = 1 << 20 };

static int write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        size -= n;
    }
    return 0;
}

static int read_all(int fd, void *data, size_t size)
{
    char *at = data;
    while (size > 0) {
        ssize_t n = read(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        size -= n;
    }
    return 0;
}

static int send_frame(int fd, char type, const void *data, uint32_t size)
{
    unsigned char head[5] = {type, size >> 24, size >> 16, size >> 8, size};
    return write_all(fd, head, 5) || write_all(fd, data, size) ? -1 : 0;
}

static int read_head(int fd, char *type, uint32_t *size)
{
    unsigned char head[5];
    if (read_all(fd, head, 5))
        return -1;
    *type = head[0];
    *size = (uint32_t)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4];
    return 0;
}

/* Moves what is ready from a pipe of the command to the client. Returns 0 at the end of the pipe. */
static int forward(int from, int to, char type)
{
    static char buffer[CHUNK];
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return 0;
    if (send_frame(to, type, buffer, n))
        _exit(1);
    return 1;
}

/* Reads one input frame and writes it to the command. Returns the new descriptor of the command's input. */
static int feed(int client, int input, pid_t command)
{
    static char buffer[CHUNK];
    char type;
    uint32_t size;
    if (read_head(client, &type, &size)) {
        kill(-command, SIGKILL);
        _exit(1);
    }
    while (size > 0) {
        uint32_t part = size < CHUNK ? size : CHUNK;
        if (read_all(client, buffer, part))
            _exit(1);
        size -= part;
        if (type == 'I' && input >= 0 && write_all(input, buffer, part)) {
            close(input);
            input = -1;
        }
    }
    if (type == 'E' && input >= 0) {
        close(input);
        input = -1;
    }
    return input;
}

static void drain(int from, int to, char type)
{
    if (from < 0)
        return;
    fcntl(from, F_SETFL, O_NONBLOCK);
    struct pollfd ready = {from, POLLIN, 0};
    while (poll(&ready, 1, 0) > 0 && forward(from, to, type))
        ;
}

static void start_command(char *command, int in[2], int out[2], int err[2])
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    chdir("/root");
    execl("/bin/bash", "bash", "-c", command, (char *)NULL);
    _exit(127);
}

static void serve(int client)
{
    char magic[4], type;
    uint32_t size;
    if (read_all(client, magic, 4) || memcmp(magic, "HLX1", 4) || read_head(client, &type, &size) || type != 'C'
        || size > COMMAND_MAX)
        return;
    char *command = calloc(1, size + 1);
    if (!command || read_all(client, command, size))
        return;

    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signal(SIGCHLD, SIG_DFL);
    int ended = signalfd(-1, &child, SFD_CLOEXEC);
    int in[2], out[2], err[2];
    if (pipe(in) || pipe(out) || pipe(err))
        return;
    pid_t pid = fork();
    if (pid < 0)
        return;
    if (pid == 0)
        start_command(command, in, out, err);
    setpgid(pid, pid);
    close(in[0]);
    close(out[1]);
    close(err[1]);

    int input = in[1], status = 0;
    struct pollfd set[4] = {{client, POLLIN, 0}, {ended, POLLIN, 0}, {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    for (;;) {
        if (poll(set, 4, -1) < 0)
            continue;
        if (set[2].revents && !forward(out[0], client, 'O'))
            set[2].fd = -1;
        if (set[3].revents && !forward(err[0], client, 'R'))
            set[3].fd = -1;
        if (set[0].revents)
            input = feed(client, input, pid);
        if (set[1].revents && waitpid(pid, &status, WNOHANG) == pid)
            break;
    }
    drain(set[2].fd, client, 'O');
    drain(set[3].fd, client, 'R');
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    unsigned char answer[4] = {code >> 24, code >> 16, code >> 8, code};
    send_frame(client, 'X', answer, 4);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 5000, yes = 1;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 64)) {
        perror("agent");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (fork() == 0) {
            serve(client);
            _exit(0);
        }
        close(client);
    }
}
