/*
 * enter WORD... -- PROGRAM ARG...   the floor of an exec into a running container: for each pid that comes in at descriptor 3
 * (an int), a child joins the cgroups and the namespaces, is confined as vlab's is, and runs PROGRAM.
 *   tasks=FILE           of a cgroup of version 1, which a single thread joins by it without a wait
 *   unified=DIRECTORY    of one of version 2, into which it is cloned
 *   keep=MASK  filter=HEX    see confine.h
 * Answers with three times of CLOCK_MONOTONIC in ns: requested, exec, exited; the fourth number is the exit status.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "confine.h"
#include "spawn.h"

enum { CHANNEL = 3, MOST = 32 };

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

static int procs[MOST], cgroups, pidfd;
static volatile int64_t times[4];
static char **command;

static int child(void *unused) {
	(void)unused;
	for (int i = 0; i < cgroups; i++)
		if (write(procs[i], "0", 1) != 1) return 126;
	if (setns(pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)) return 125;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 || setsid() < 0 || confine() < 0) return 124;
	close_range(CHANNEL, ~0U, CLOSE_RANGE_CLOEXEC);
	times[1] = now_ns();
	execve(command[0], command, (char *[]){NULL});
	return 127;
}

int main(int argc, char **argv) {
	const char *unified = NULL, *tasks[MOST];
	int at = 1, pid;
	for (; at < argc && strcmp(argv[at], "--"); at++) {
		char *value = strchr(argv[at], '=');
		if (!value) return 2;
		*value++ = 0;
		if (take_confinement(argv[at], value)) continue;
		if (!strcmp(argv[at], "unified")) unified = value;
		else if (cgroups < MOST) tasks[cgroups++] = value;
	}
	command = argv + at + 1;
	if (at + 1 >= argc) return 2;
	while (read(CHANNEL, &pid, sizeof pid) == sizeof pid) {
		times[0] = now_ns();
		if ((pidfd = syscall(SYS_pidfd_open, pid, 0)) < 0) return 1;
		for (int i = 0; i < cgroups; i++) procs[i] = open(tasks[i], O_WRONLY | O_CLOEXEC);
		struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
		if (unified) args.flags |= CLONE_INTO_CGROUP, args.cgroup = open(unified, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (setns(pidfd, CLONE_NEWPID)) return 1;
		int status, one = spawn(&args, child);
		if (one < 0 || waitpid(one, &status, 0) != one) return 1;
		times[2] = now_ns(), times[3] = status;
		for (int i = 0; i < cgroups; i++) close(procs[i]);
		if (unified) close(args.cgroup);
		close(pidfd);
		if (write(CHANNEL, (void *)times, sizeof times) != sizeof times) return 1;
	}
	return 0;
}
