/*
 * enter PROGRAM ARG...   the floor of an exec into a running container: for each pid that comes in at descriptor 3 (an int,
 * and how many cgroup.procs paths follow in argv before `--`), a child joins the cgroups and the namespaces and runs PROGRAM.
 * enter CGROUP.PROCS... -- PROGRAM ARG...
 * Answers with three times of CLOCK_MONOTONIC in ns: requested, exec, exited; the fourth number is the exit status.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHANNEL = 3, MOST = 32 };

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

int main(int argc, char **argv) {
	int cgroups = 0, procs[MOST], pid;
	while (cgroups < MOST && cgroups + 1 < argc && strcmp(argv[cgroups + 1], "--")) cgroups++;
	char **command = argv + cgroups + 2;
	if (cgroups + 2 >= argc) return 2;
	while (read(CHANNEL, &pid, sizeof pid) == sizeof pid) {
		volatile int64_t times[4] = {now_ns(), 0, 0, 0};
		int pidfd = syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0) return 1;
		for (int i = 0; i < cgroups; i++) procs[i] = open(argv[i + 1], O_WRONLY | O_CLOEXEC);
		if (setns(pidfd, CLONE_NEWPID)) return 1;
		pid_t child = vfork();
		if (child == 0) {
			for (int i = 0; i < cgroups; i++)
				if (write(procs[i], "0", 1) != 1) _exit(126);
			if (setns(pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)) _exit(125);
			close_range(CHANNEL, ~0U, CLOSE_RANGE_CLOEXEC);
			times[1] = now_ns();
			execve(command[0], command, (char *[]){NULL});
			_exit(127);
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child) return 1;
		times[2] = now_ns(), times[3] = status;
		for (int i = 0; i < cgroups; i++) close(procs[i]);
		close(pidfd);
		if (write(CHANNEL, (void *)times, sizeof times) != sizeof times) return 1;
	}
	return 0;
}
