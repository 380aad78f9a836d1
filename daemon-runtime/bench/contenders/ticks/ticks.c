/* Repetition at its limit, in C: src/limit.rs says what it does. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000LL
#define PERIOD 50000000LL
#define MICROSECOND 1000LL

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void sleep_until(long long due) {
    struct timespec time = {due / SECOND, due % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void nothing(void) { __asm__ volatile(""); }

static void skip(long ticks) {
    long long begun = now(), due = begun;
    while (ticks--) {
        sleep_until(due);
        nothing();
        due = begun + (now() - begun) / MICROSECOND * MICROSECOND + MICROSECOND;
    }
}

static void burst(long ticks) {
    long long due = now();
    while (ticks--) {
        if (now() < due)
            sleep_until(due);
        nothing();
        due += MICROSECOND;
    }
}

static void drift(long ticks) {
    const struct timespec body = {0, 20000000};
    long long begun = now(), *came = calloc((size_t)ticks, sizeof *came);
    for (long tick = 0; tick < ticks; tick++) {
        sleep_until(begun + tick * PERIOD);
        came[tick] = now();
        nanosleep(&body, NULL);
    }
    for (long tick = 0; tick < ticks; tick++)
        printf("%lld\n", came[tick] - came[0]);
}

int main(int count, char **arguments) {
    const char *ticks = getenv("BENCH_TICKS");
    if (count != 2 || !ticks)
        return 2;
    if (!strcmp(arguments[1], "skip"))
        skip(atol(ticks));
    else if (!strcmp(arguments[1], "burst"))
        burst(atol(ticks));
    else if (!strcmp(arguments[1], "drift"))
        drift(atol(ticks));
    else
        return 2;
    return 0;
}
