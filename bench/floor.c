/*
 * The floor: what the container of src/container costs when nobody decides, interprets or observes anything. One resident
 * process, straight-line C, the quickest call for each outcome: the same namespaces, cgroups, mounts, masks, devices,
 * loopback, capabilities and program. test/system/floor.test.ts compares what the program sees in here and in there.
 *
 * floor WORD... -- PROGRAM ARG...    all lists come from vlab's own default configuration:
 *   root=DIR  keep=MASK  env=NAME=VALUE
 *   cgroup=DIR  devices=DIR  deny=RULE  allow=RULE    parents on version 1, and the rules of the devices controller
 *   unified=DIR  program=HEX                          the parent on version 2, and the same rules as eBPF instructions
 *   hide-file=PATH  hide-directory=PATH  readonly=PATH  filter=HEX   (struct sock_filter, the seccomp program)
 * Descriptors: 0, 1 and 2 are the program's; 3 is a socket: each name that comes in is the name of one container to
 * start, and a struct report goes back. It keeps nothing of one container for the next.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "confine.h"
#include "spawn.h"

enum { CHANNEL = 3, MOST = 32, NAME_BYTES = 64 };
#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* Times of CLOCK_MONOTONIC in ns. line: where it failed, or 0. */
static struct report {
	uint64_t requested, spawned, rooted, exec, exited, clean;
	int32_t line, error, code, pad;
} report;

struct list { int n; const char *at[MOST]; };
static struct list cgroups, deny, allow, hidden, readonly, environment;
static int is_directory[MOST];
static const char *root, *devices, *unified;
static struct bpf_insn program[512];
static int instructions;

static int cgroup_fds[MOST], devices_fd = -1, unified_fd = -1;
static int procs[MOST];
static char name[NAME_BYTES];
static char **command;

static uint64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void must_(long result, int line) {
	if (result >= 0) return;
	report.line = line, report.error = errno;
	if (write(CHANNEL, &report, sizeof report) < 0) _exit(1);
	_exit(125);
}
#define must(call) must_((long)(call), __LINE__)

static int child(void *unused) {
	(void)unused;
	report.spawned = now_ns();
	for (int i = 0; i < cgroups.n; i++) must(write(procs[i], "0", 1));
	if (cgroups.n > 0) must(unshare(CLONE_NEWCGROUP));
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	must(sethostname(name, strlen(name) < 12 ? strlen(name) : 12));

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(mount(root, root, NULL, MS_BIND | MS_REC, NULL));
	must(chdir(root));
	must(mount("none", "proc", "proc", SAFE, NULL));
	must(mount("none", "sys", "sysfs", SAFE | MS_RDONLY, NULL));
	must(mount("none", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	umask(0);
	must(mkdir("dev/pts", 0755));
	must(mount("none", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	must(mkdir("dev/shm", 0755));
	must(mount("none", "dev/shm", "tmpfs", SAFE, "mode=1777,size=65536k"));
	must(mkdir("dev/mqueue", 0755));
	must(mount("none", "dev/mqueue", "mqueue", SAFE, NULL));
	must(mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)));
	must(mknod("dev/zero", S_IFCHR | 0666, makedev(1, 5)));
	must(mknod("dev/full", S_IFCHR | 0666, makedev(1, 7)));
	must(mknod("dev/random", S_IFCHR | 0666, makedev(1, 8)));
	must(mknod("dev/urandom", S_IFCHR | 0666, makedev(1, 9)));
	must(mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)));
	umask(022);
	must(symlink("/proc/self/fd", "dev/fd"));
	must(symlink("/proc/self/fd/0", "dev/stdin"));
	must(symlink("/proc/self/fd/1", "dev/stdout"));
	must(symlink("/proc/self/fd/2", "dev/stderr"));
	must(symlink("pts/ptmx", "dev/ptmx"));
	const char *empty = NULL;
	for (int i = 0; i < hidden.n; i++) {
		const char *path = hidden.at[i] + 1;
		if (!is_directory[i]) must(mount("dev/null", path, NULL, MS_BIND, NULL));
		else if (empty) must(mount(empty, path, NULL, MS_BIND, NULL));
		else must(mount("none", empty = path, "tmpfs", SAFE | MS_RDONLY, NULL));
	}
	for (int i = 0; i < readonly.n; i++) {
		const char *path = readonly.at[i] + 1;
		must(mount(path, path, NULL, MS_BIND | MS_REC, NULL));
		must(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | SAFE, NULL));
	}
	must(syscall(SYS_pivot_root, ".", "."));
	must(umount2(".", MNT_DETACH));
	must(chdir("/"));
	report.rooted = now_ns();

	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int network = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(network);
	must(ioctl(network, SIOCSIFFLAGS, &loopback));
	must(setsid());
	must(confine());
	report.exec = now_ns();
	must(execve(command[0], command, (char **)environment.at));
	return 125;
}

static void put(int directory, const char *file, const struct list *values) {
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
	must(fd);
	for (int i = 0; i < values->n; i++) must(write(fd, values->at[i], strlen(values->at[i])));
	close(fd);
}

static int join_file(int parent, int with_devices) {
	must(mkdirat(parent, name, 0755));
	char path[NAME_BYTES + 16], *end = stpcpy(path, name);
	if (with_devices) {
		strcpy(end, "/devices.deny");
		put(parent, path, &deny);
		strcpy(end, "/devices.allow");
		put(parent, path, &allow);
	}
	strcpy(end, "/tasks"); /* one thread joins by it without a wait */
	int fd = openat(parent, path, O_WRONLY | O_CLOEXEC);
	must(fd);
	return fd;
}

static void decide_devices(int cgroup) {
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = instructions,
		.insns = (uint64_t)program, .license = (uint64_t) "GPL"};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
	must(fd);
	union bpf_attr attach = {.target_fd = cgroup, .attach_bpf_fd = fd, .attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI};
	must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach));
	close(fd);
}

static void start(void) {
	int pidfd = -1, into = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC
			| CLONE_NEWUTS,
		.pidfd = (uint64_t)&pidfd, .exit_signal = SIGCHLD};
	for (int i = 0; i < cgroups.n; i++) procs[i] = join_file(cgroup_fds[i], cgroup_fds[i] == devices_fd);
	if (unified_fd >= 0) {
		must(mkdirat(unified_fd, name, 0755));
		into = openat(unified_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(into);
		decide_devices(into);
		args.flags |= CLONE_INTO_CGROUP | (cgroups.n == 0 ? CLONE_NEWCGROUP : 0);
		args.cgroup = into;
	}
	must(spawn(&args, child));
	siginfo_t end;
	must(waitid(P_PIDFD, pidfd, &end, WEXITED));
	report.exited = now_ns();
	for (int i = 0; i < cgroups.n; i++) must(unlinkat(cgroup_fds[i], name, AT_REMOVEDIR));
	if (unified_fd >= 0) must(unlinkat(unified_fd, name, AT_REMOVEDIR));
	report.clean = now_ns();
	report.code = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
	for (int i = 0; i < cgroups.n; i++) close(procs[i]);
	if (into >= 0) close(into);
	close(pidfd);
}

static void add(struct list *list, const char *value) {
	if (list->n == MOST - 1) exit(2);
	list->at[list->n++] = value;
}

static int directory(const char *path) {
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) exit(2);
	return fd;
}

static void take_word(char *word) {
	char *value = strchr(word, '=');
	if (!value) exit(2);
	*value++ = 0;
	if (take_confinement(word, value)) return;
	if (!strcmp(word, "root")) root = value;
	else if (!strcmp(word, "env")) add(&environment, value);
	else if (!strcmp(word, "cgroup")) add(&cgroups, value);
	else if (!strcmp(word, "devices")) add(&cgroups, value), devices = value;
	else if (!strcmp(word, "deny")) add(&deny, value);
	else if (!strcmp(word, "allow")) add(&allow, value);
	else if (!strcmp(word, "unified")) unified = value;
	else if (!strcmp(word, "hide-file")) add(&hidden, value);
	else if (!strcmp(word, "hide-directory")) is_directory[hidden.n] = 1, add(&hidden, value);
	else if (!strcmp(word, "readonly")) add(&readonly, value);
	else if (!strcmp(word, "program")) instructions = take_bytes(value, program, sizeof program) / sizeof *program;
	else exit(2);
}

int main(int argc, char **argv) {
	int i = 1;
	close_range(CHANNEL + 1, ~0U, 0);
	for (; i < argc && strcmp(argv[i], "--"); i++) take_word(argv[i]);
	if (!root || i + 1 >= argc) return 2;
	command = argv + i + 1;
	for (int c = 0; c < cgroups.n; c++) {
		cgroup_fds[c] = directory(cgroups.at[c]);
		if (cgroups.at[c] == devices) devices_fd = cgroup_fds[c];
	}
	if (unified) unified_fd = directory(unified);
	fcntl(CHANNEL, F_SETFD, FD_CLOEXEC);
	now_ns();
	for (;;) {
		ssize_t n = read(CHANNEL, name, sizeof name - 1);
		report = (struct report){.requested = now_ns()};
		if (n <= 0) return 0;
		name[n] = 0;
		start();
		if (report.line) return 125; /* the child, which shares the memory, failed and has told it */
		if (write(CHANNEL, &report, sizeof report) != sizeof report) return 1;
	}
}
