/*
 * tsc-rate: how fast this processor's time-stamp counter counts, in kHz. By emulation QEMU gives a guest this very
 * counter; a guest that has to find the rate by itself waits for a timer and may be misled by a busy host.
 */
#include <stdio.h>
#include <time.h>

static unsigned long long counter(void) {
	unsigned low, high;
	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (unsigned long long)high << 32 | low;
}

static long long now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

struct moment { long long ns; unsigned long long ticks; };

/* The clock between two readings of the counter: of several tries the one that was disturbed least. */
static struct moment moment(void) {
	struct moment best = {0, 0};
	unsigned long long width = ~0ULL;
	for (int i = 0; i < 100; i++) {
		unsigned long long before = counter();
		long long ns = now_ns();
		unsigned long long after = counter();
		if (after - before >= width) continue;
		width = after - before;
		best = (struct moment){ns, before + width / 2};
	}
	return best;
}

int main(void) {
	struct timespec pause = {0, 20 * 1000 * 1000};
	struct moment first = moment();
	nanosleep(&pause, 0);
	struct moment last = moment();
	printf("%.0f\n", (last.ticks - first.ticks) * 1e6 / (last.ns - first.ns));
	return 0;
}
