/*
 * The limit in C: the least code that keeps the promises which cost a system call, and nothing else. What a daemon library
 * takes longer than this is the library's, what this takes is the kernel's price. src/lib.rs is the same in bare Rust: the
 * same calls in the same order, as strace -f shows, but for what stdio and std do about stdout.
 *
 * Kept, each where its comment stands:
 *  1  one claim, held by the kernel from the launcher to the daemon's last breath
 *  2  the pidfile is never half, never followed through a link, and its holder is named by the kernel
 *  3  the launcher says OK only once the daemon said that it is ready, and after it was told so; else it shows the reason
 *  4  nothing is left of a start that fails
 *  5  the steps of daemon(7)
 *  6  only descriptors that the launching program leaked are closed
 *  7  stop signals nobody but whom the kernel vouches for, and returns when the daemon is gone with its claim
 *  8  status is a question that disturbs nobody
 *
 * NOT kept, and so for free here: folders made and walked through no stranger's link; files of other owners, FIFOs and hard
 * links refused; a claim removed by hand, or a witness lost, made up for; claims left by a crash made anew; a fork refused in a
 * program with threads; limits of time on the start; SIGINT ending what was begun at whatever moment (here the daemon finds out
 * when it is ready); an end of the daemon told with its exit code or signal; what the worker wrote to stderr shown; panics
 * caught; hooks, users, groups, root directories; signals heard beside the worker; core dumps refused; status of the whole
 * session; descriptors that are far apart, and kernels before 6.2; errors in words for each step, and the command line itself
 * with its help.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUIET (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

/* What goes over the channel: that the daemon is ready, or why it is not. */
struct word {
    pid_t ready;
    char reason[124];
};

static char pidfile[4096], draft[4096], claim_name[4096];
static const char *log_name;
static int claim, null, log_file, channel[2];

/* A lock on the whole of a file. */
static struct flock whole(short type) { return (struct flock){.l_type = type, .l_whence = SEEK_SET}; }

/* 2, 8: the kernel names the holder of the witness; a read lock is asked for, so no reader can be in the way. */
static pid_t holder(int file) {
    struct flock lock = whole(F_RDLCK);
    if (file < 0 || fcntl(file, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

static int open_pidfile(void) { return open(pidfile, O_RDONLY | QUIET); }

static int fail(const char *what) {
    printf("Starting limit ... FAILED\n");
    fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
    return 1;
}

/* 1: a lock of the open file, which goes along over both forks. Who locked a name that was removed meanwhile tries again. */
static int take_claim(void) {
    for (;;) {
        struct flock lock = whole(F_WRLCK);
        struct stat mine, named;
        claim = open(claim_name, O_RDWR | O_CREAT | QUIET, 0600);
        if (claim < 0 || fcntl(claim, F_OFD_SETLK, &lock) < 0 || fstat(claim, &mine) < 0)
            return -1;
        if (stat(claim_name, &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
            return 0;
        close(claim);
    }
}

/* 4: the names are this claim's. */
static void let_go(void) {
    unlink(pidfile);
    unlink(claim_name);
}

/* 3, 4: the daemon's failures; the end of the channel says that nothing of it is left. */
static void give_up(const char *what, const char *why) {
    struct word word = {0};
    snprintf(word.reason, sizeof word.reason, "%s: %s", what, why);
    unlink(draft);
    let_go();
    send(channel[1], &word, sizeof word, MSG_NOSIGNAL);
    _exit(1);
}

#define MUST(call)                                                                                                             \
    do {                                                                                                                       \
        if ((call) < 0)                                                                                                        \
            give_up(#call, strerror(errno));                                                                                   \
    } while (0)

/* 6: what has no close-on-exec was not opened by this program; neighbours are closed with one call. How many there are to be
 * looked for, the kernel says from 6.2 on, which is cheaper than to have them listed. */
static void close_leaked(void) {
    struct stat table;
    unsigned fd, first = 0;
    MUST(stat("/proc/self/fd", &table));
    for (fd = 0; table.st_size > 0; fd++) {
        int flags = fcntl((int)fd, F_GETFD), leaked = fd > 2 && flags >= 0 && !(flags & FD_CLOEXEC);
        table.st_size -= flags >= 0;
        if (leaked && !first)
            first = fd;
        if (!leaked && first) {
            syscall(SYS_close_range, first, fd - 1, 0);
            first = 0;
        }
    }
    if (first)
        syscall(SYS_close_range, first, fd - 1, 0);
}

/* 2: written and locked before it has its name, so nobody ever sees half of it. */
static void make_pidfile(void) {
    char number[16];
    struct flock lock = whole(F_WRLCK);
    int file = open(draft, O_RDWR | O_CREAT | O_EXCL | QUIET, 0600);
    if (file < 0 && errno == EEXIST && unlink(draft) == 0)
        file = open(draft, O_RDWR | O_CREAT | O_EXCL | QUIET, 0600);
    MUST(file);
    MUST(write(file, number, (size_t)sprintf(number, "%d\n", getpid())));
    MUST(fcntl(file, F_SETLK, &lock));
    MUST(fchmod(file, 0644));
    MUST(rename(draft, pidfile));
}

/* 5: the rest of daemon(7), in the daemon; all signals are still blocked. */
static void become_daemon(sigset_t *term) {
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        signal(sig, sig == SIGPIPE ? SIG_IGN : SIG_DFL);
    sigemptyset(term);
    sigaddset(term, SIGTERM);
    MUST(sigprocmask(SIG_SETMASK, term, NULL));
    close_leaked();
    umask(027);
    MUST(chdir("/"));
    make_pidfile();
    MUST(dup2(null, 0));
    MUST(dup2(log_file, 1));
    MUST(dup2(log_file, 2));
}

static void live(void) {
    sigset_t term;
    struct word word = {.ready = getpid()};
    char heard;
    int sig;
    close(channel[0]);
    become_daemon(&term);
    /* The worker: it fails if it is told to, or is ready at once. */
    if (getenv("BENCH_FAILS"))
        give_up("worker", "no such luck");
    MUST(send(channel[1], &word, sizeof word, MSG_NOSIGNAL));
    /* 3: a launcher that is gone has told nobody that there is a daemon. */
    if (recv(channel[1], &heard, 1, 0) != 1)
        give_up("launcher", "gone");
    close(channel[1]);
    sigwait(&term, &sig);
    let_go();
    _exit(0);
}

/* 5: a session of its own, and no leader of it, so that it never gets a terminal. */
static void lead(void) {
    pid_t daemon;
    MUST(setsid());
    MUST(daemon = fork());
    if (daemon == 0)
        live();
    _exit(0);
}

/* 3: how it came out. */
static int conclude(pid_t leader) {
    struct word word;
    char heard = 1;
    ssize_t length;
    close(channel[1]);
    length = recv(channel[0], &word, sizeof word, 0);
    waitpid(leader, NULL, 0);
    if (length == sizeof word && word.ready && send(channel[0], &heard, 1, MSG_NOSIGNAL) == 1) {
        printf("Starting limit ... OK (pid %d)\n", word.ready);
        return 0;
    }
    printf("Starting limit ... FAILED\n");
    fprintf(stderr, "error: %s\n", length == sizeof word ? word.reason : "it ended without a word");
    /* 4: its end of the channel is closed with everything else that it had. */
    while (recv(channel[0], &word, sizeof word, 0) > 0)
        ;
    return 1;
}

static int start(void) {
    sigset_t all, before;
    pid_t leader;
    if (take_claim() < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return fail(claim_name);
        fprintf(stderr, "warning: limit is already running with pid %d\n", holder(open_pidfile()));
        return 0;
    }
    /* 4, 5: what can be refused is refused before there is a process. */
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    log_file = open(log_name, O_WRONLY | O_CREAT | O_APPEND | QUIET, 0640);
    if (null < 0 || log_file < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
        let_go();
        return fail(log_name);
    }
    /* 5: nothing may end the child between fork and setsid. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    leader = fork();
    if (leader == 0)
        lead();
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (leader < 0) {
        let_go();
        return fail("fork");
    }
    return conclude(leader);
}

/* 7: the claim outlives the daemon by whatever child has it for a moment more. */
static int claim_is_held(void) {
    struct flock lock = whole(F_WRLCK);
    int file = open(claim_name, O_RDWR | QUIET), held;
    if (file < 0)
        return 0;
    held = fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(file);
    return held;
}

static int stop(void) {
    int file = open_pidfile(), handle;
    pid_t daemon = holder(file);
    struct pollfd end;
    if (!daemon) {
        fprintf(stderr, "warning: limit is not running\n");
        return 0;
    }
    /* 7: asked again once there is a handle: if the kernel still names the number, the handle means nobody else. */
    handle = (int)syscall(SYS_pidfd_open, daemon, 0);
    if (handle >= 0 && holder(file) == daemon)
        syscall(SYS_pidfd_send_signal, handle, SIGTERM, NULL, 0);
    end = (struct pollfd){.fd = handle, .events = POLLIN};
    if (handle >= 0 && poll(&end, 1, 10000) != 1) {
        printf("Stopping limit ... FAILED\n");
        return 1;
    }
    while (claim_is_held())
        usleep(10000);
    printf("Stopping limit ... OK\n");
    return 0;
}

static int status(void) {
    pid_t daemon = holder(open_pidfile());
    char path[32], text[1024] = "", *field;
    unsigned long user = 0, system = 0;
    unsigned long long since = 0;
    long resident = 0, length;
    struct timespec now;
    struct sysinfo machine;
    double lived, ticks = (double)sysconf(_SC_CLK_TCK);
    int stat;
    if (!daemon) {
        printf("limit -- not running\n");
        return 3;
    }
    snprintf(path, sizeof path, "/proc/%d/stat", daemon);
    stat = open(path, O_RDONLY | O_CLOEXEC);
    length = read(stat, text, sizeof text - 1);
    close(stat);
    field = length > 0 ? strrchr(text, ')') : NULL;
    if (!field || sscanf(field + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %*u %ld",
                         &user, &system, &since, &resident) != 4) {
        printf("limit -- not running\n");
        return 3;
    }
    clock_gettime(CLOCK_BOOTTIME, &now);
    sysinfo(&machine);
    lived = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)since / ticks;
    printf("limit -- pid: %d, status: running, uptime: %ldm, %%cpu: %.1f, %%mem: %.1f\n", daemon, (long)(lived + 30) / 60,
           lived > 0 ? 100 * (double)(user + system) / ticks / lived : 0,
           100 * (double)resident * (double)sysconf(_SC_PAGESIZE) / ((double)machine.totalram * machine.mem_unit));
    return 0;
}

int main(int count, char **arguments) {
    const char *verb = count == 2 ? arguments[1] : "", *place = getenv("BENCH_PIDFILE");
    log_name = getenv("BENCH_LOG");
    if (!place || !log_name)
        return 2;
    snprintf(pidfile, sizeof pidfile, "%s", place);
    snprintf(draft, sizeof draft, "%s.new", place);
    snprintf(claim_name, sizeof claim_name, "%s.claim", place);
    if (!strcmp(verb, "start"))
        return start();
    if (!strcmp(verb, "stop"))
        return stop();
    if (!strcmp(verb, "status"))
        return status();
    if (!strcmp(verb, "restart"))
        return stop() ? 1 : start();
    return 2;
}
