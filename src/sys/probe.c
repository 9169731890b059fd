/*
 * probe: one static program whose verbs are the payload of tests, scenarios and lessons, so that no image has to be
 * downloaded and every technology runs the same bytes. Each verb does one thing and says what it saw.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <net/if.h>
#include <dirent.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void pass_on(int fd) {
	char buffer[4096];
	ssize_t n;
	fflush(stdout);
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		if (write(1, buffer, n) != n) exit(1);
}

static int cat(const char *path) {
	int fd = open(path, O_RDONLY);
	if (fd < 0) { printf("%s: %s\n", path, strerror(errno)); return 1; }
	pass_on(fd);
	close(fd);
	return 0;
}

static volatile sig_atomic_t got;
static void note(int signal) { got = signal; }

static int say(const char *what, int result) {
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
	return result < 0;
}

static void quote(FILE *to, const char *text) { /* as JSON */
	putc('"', to);
	for (const unsigned char *c = (const void *)text; *c; c++)
		if (*c == '"' || *c == '\\' || *c < 32) fprintf(to, "\\u%04x", *c); else putc(*c, to);
	putc('"', to);
}

static void quote_all(FILE *to, const char *name, char **texts) {
	fprintf(to, "\"%s\":[", name);
	for (char **t = texts; *t; t++) { if (t > texts) putc(',', to); quote(to, *t); }
	fputs("],", to);
}

/* FILE WORD [PATH]: appends a line of JSON about this process and its standard input, a container's state. PATH: can it be
 * seen from the root of that container's process? */
static int record(int argc, char **argv) {
	static const char *kinds[] = {"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"};
	char input[16384], cwd[4096], path[4200], target[64], *line = NULL;
	size_t length = 0, got = 0;
	ssize_t n;
	struct timespec now;
	FILE *to = open_memstream(&line, &length);
	while (got < sizeof input - 1 && (n = read(0, input + got, sizeof input - 1 - got)) > 0) got += n;
	input[got] = 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(to, "{\"at\":%lld,\"pid\":%d,", now.tv_sec * 1000000000LL + now.tv_nsec, getpid());
	quote_all(to, "argv", argv);
	quote_all(to, "env", environ);
	fputs("\"cwd\":", to);
	quote(to, getcwd(cwd, sizeof cwd) ? cwd : "");
	fputs(",\"ns\":{", to);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
		n = readlink(path, target, sizeof target - 1);
		target[n < 0 ? 0 : n] = 0;
		fprintf(to, "%s\"%s\":\"%s\"", i ? "," : "", kinds[i], target);
	}
	const char *pid = strstr(input, "\"pid\"");
	snprintf(path, sizeof path, "/proc/%d/root%s", pid ? atoi(pid + 5 + strspn(pid + 5, ": ")) : 0, argc > 4 ? argv[4] : "");
	fprintf(to, "},\"seen\":%s,\"stdin\":", access(path, F_OK) ? "false" : "true");
	quote(to, input);
	fputs("}\n", to);
	fclose(to);
	int fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0666);
	return fd < 0 || write(fd, line, length) != (ssize_t)length;
}

/* Listens at a path and takes the first connection. */
static int accepted(const char *path) {
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(at.sun_path, path, sizeof at.sun_path - 1);
	if (s < 0 || bind(s, (void *)&at, sizeof at) || listen(s, 1)) { say(path, -1); exit(1); }
	puts("ready"); fflush(stdout);
	return accept(s, NULL, NULL);
}

/* Reads a message; the descriptor that comes with it, or -1. */
static int receive(int from, char *text, size_t size, ssize_t *length) {
	union { struct cmsghdr head; char bytes[CMSG_SPACE(8 * sizeof(int))]; } control;
	struct iovec part = {text, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	*length = recvmsg(from, &message, 0);
	struct cmsghdr *head = *length < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_type != SCM_RIGHTS) return -1;
	printf("descriptors %zu\n", (head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	int fd;
	memcpy(&fd, CMSG_DATA(head), sizeof fd);
	return fd;
}

/* SOCKET: takes a terminal's other end, and shows what is written to the terminal. */
static int console(const char *path) {
	char text[4096];
	ssize_t n;
	int fd = receive(accepted(path), text, sizeof text, &n);
	if (fd < 0) return say("descriptor", -1);
	pass_on(fd);
	return 0;
}

/* SOCKET: shows a container process state, and answers each call that the filter sends here with EXDEV. */
static int agent(const char *path) {
	char text[16384];
	size_t got = 0;
	ssize_t n;
	int connection = accepted(path), fd = -1;
	do {
		int one = receive(connection, text + got, sizeof text - 1 - got, &n);
		if (one >= 0) fd = one;
		if (n > 0) got += n;
	} while (n > 0);
	text[got] = 0;
	printf("state %s\n", text); fflush(stdout);
	for (;;) {
		struct seccomp_notif call = {0};
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call)) return 0;
		struct seccomp_notif_resp answer = {.id = call.id, .error = -EXDEV};
		printf("call %d\n", call.data.nr); fflush(stdout);
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void trapped(int signal, siginfo_t *info, void *context) {
	(void)signal; (void)context;
	printf("trapped %d\n", info->si_syscall);
	fflush(stdout);
	_exit(0);
}

static int perform(int argc, char **argv);

/* VERB ... -- VERB ...: one after another, each with its arguments. */
static int each(int argc, char **argv) {
	int result = 0;
	for (int from = 2, to; from < argc; from = to + 1) {
		for (to = from; to < argc && strcmp(argv[to], "--"); to++) {}
		argv[from - 1] = argv[0];
		argv[to] = NULL;
		result |= perform(to - from + 1, argv + from - 1);
		fflush(stdout);
	}
	return result;
}

int main(int argc, char **argv) { return perform(argc, argv); }

static int perform(int argc, char **argv) {
	const char *verb = argc > 1 ? argv[1] : "hello";
	const char *arg = argc > 2 ? argv[2] : "";
	if (!strcmp(verb, "hello")) { puts("hello"); return 0; }
	if (!strcmp(verb, "true")) return 0;
	if (!strcmp(verb, "exit")) return atoi(arg);
	if (!strcmp(verb, "echo")) {
		for (int i = 2; i < argc; i++) printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
		return 0;
	}
	if (!strcmp(verb, "stderr")) { fprintf(stderr, "%s\n", arg); return 0; }
	if (!strcmp(verb, "stdin")) { pass_on(0); return 0; }
	if (!strcmp(verb, "cat")) return cat(arg);
	if (!strcmp(verb, "has-line")) { /* PATH TEXT */
		char line[4096];
		FILE *file = fopen(arg, "r");
		if (!file || argc < 4) return say(arg, -1);
		while (fgets(line, sizeof line, file)) {
			line[strcspn(line, "\n")] = 0;
			if (!strcmp(line, argv[3])) return 0;
		}
		return 1;
	}
	if (!strcmp(verb, "ls")) {
		DIR *directory = opendir(arg);
		if (!directory) return say(arg, -1);
		for (struct dirent *e; (e = readdir(directory));) if (e->d_name[0] != '.') puts(e->d_name);
		return 0;
	}
	if (!strcmp(verb, "stat")) { /* type and mode, owner and group, number of a device, for each path */
		for (int i = 2; i < argc; i++) {
			struct stat st;
			if (lstat(argv[i], &st)) say(argv[i], -1);
			else printf("%s: %o %d:%d %d:%d\n", argv[i], st.st_mode, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev));
		}
		return 0;
	}
	if (!strcmp(verb, "readlink")) {
		char path[4096];
		ssize_t n = readlink(arg, path, sizeof path - 1);
		if (n < 0) return say(arg, -1);
		path[n] = 0;
		puts(path);
		return 0;
	}
	if (!strcmp(verb, "exchange")) { /* two names, one for the other, all the time, for so many seconds */
		if (argc < 5) return 64;
		time_t end = time(NULL) + atoi(argv[4]);
		puts("ready"); fflush(stdout);
		while (time(NULL) < end) if (renameat2(AT_FDCWD, arg, AT_FDCWD, argv[3], RENAME_EXCHANGE)) return say(arg, -1);
		return 0;
	}
	if (!strcmp(verb, "cwd")) { char path[4096]; puts(getcwd(path, sizeof path) ? path : "nowhere"); return 0; }
	if (!strcmp(verb, "mkdir")) return say("mkdir", mkdir(arg, 0755));
	if (!strcmp(verb, "make")) return say(arg, open(arg, O_WRONLY | O_CREAT, 0666));
	if (!strcmp(verb, "crash")) __builtin_trap(); /* SIGILL, which ends even a first process */
	if (!strcmp(verb, "burn")) { /* the processor, for so many seconds of its own time */
		puts("ready"); fflush(stdout);
		while (clock() < atoi(arg) * CLOCKS_PER_SEC) {}
		return 0;
	}
	if (!strcmp(verb, "abort")) { raise(SIGABRT); return 1; }
	if (!strcmp(verb, "kill")) { signal(atoi(arg), SIG_DFL); raise(atoi(arg)); pause(); return 1; }
	if (!strcmp(verb, "sleep")) { puts("ready"); fflush(stdout); sleep(atoi(arg)); return 0; }
	if (!strcmp(verb, "trap")) { /* says which signal came, then ends with 0; for at most 60 s */
		struct sigaction act = {.sa_handler = note};
		/* but for SIGURG, which Go's runtime sends itself; runc before 1.2 passes it on (its issue 3364) */
		for (int s = 1; s < 32; s++) if (s != SIGURG) sigaction(s, &act, NULL);
		puts("ready"); fflush(stdout);
		for (int i = 0; i < 600 && !got; i++) usleep(100000);
		printf("signal %d\n", got);
		return got ? 0 : 1;
	}
	if (!strcmp(verb, "flood")) { /* so many bytes of output */
		static char block[65536];
		memset(block, 'x', sizeof block);
		for (long left = atol(arg); left > 0;) {
			ssize_t n = write(1, block, left < (long)sizeof block ? (size_t)left : sizeof block);
			if (n < 0) return 1;
			left -= n;
		}
		return 0;
	}
	if (!strcmp(verb, "env")) { for (char **e = environ; *e; e++) puts(*e); return 0; }
	if (!strcmp(verb, "ids")) { printf("%d %d %d %d\n", getpid(), getppid(), getuid(), getgid()); return 0; }
	if (!strcmp(verb, "hostname")) { struct utsname u; uname(&u); puts(u.nodename); return 0; }
	if (!strcmp(verb, "tty")) {
		struct winsize w = {0};
		if (!isatty(0) || ioctl(0, TIOCGWINSZ, &w)) { puts("no terminal"); return 1; }
		printf("%s %dx%d session %d\n", ttyname(0), w.ws_col, w.ws_row, getsid(0) == getpid());
		return 0;
	}
	if (!strcmp(verb, "raw")) { /* so many bytes of a raw terminal, in hexadecimal */
		struct termios t;
		if (tcgetattr(0, &t)) return say("raw", -1);
		cfmakeraw(&t);
		tcsetattr(0, TCSANOW, &t);
		if (write(1, "ready\r\n", 7) != 7) return 1;
		for (int i = 0; i < atoi(arg); i++) {
			unsigned char c;
			if (read(0, &c, 1) != 1) return 1;
			printf("%02x", c);
		}
		fputs("\r\n", stdout);
		return 0;
	}
	if (!strcmp(verb, "resized")) { /* the window's size, once it has changed */
		struct winsize w = {0};
		signal(SIGWINCH, note);
		puts("ready"); fflush(stdout);
		for (int i = 0; i < 600 && !got; i++) usleep(100000);
		ioctl(0, TIOCGWINSZ, &w);
		printf("%dx%d\n", w.ws_col, w.ws_row);
		return !got;
	}
	if (!strcmp(verb, "loopback")) { /* is lo up? */
		struct ifreq r = {.ifr_name = "lo"};
		int s = socket(AF_INET, SOCK_DGRAM, 0);
		if (s < 0 || ioctl(s, SIOCGIFFLAGS, &r)) return say("loopback", -1);
		puts(r.ifr_flags & IFF_UP ? "up" : "down");
		return 0;
	}
	if (!strcmp(verb, "open")) { int fd = open(arg, argc > 3 ? O_WRONLY : O_RDONLY); return say(arg, fd); }
	if (!strcmp(verb, "call")) { /* NUMBER ARG...: a system call with numbers, and what it returns */
		long a[7] = {0};
		for (int i = 2; i < argc && i < 9; i++) a[i - 2] = strtoul(argv[i], NULL, 0);
		long r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		if (r < 0) return say(arg, -1);
		printf("%s: %ld\n", arg, r);
		return 0;
	}
	if (!strcmp(verb, "mknod")) return say("mknod", mknod(arg, S_IFBLK | 0600, makedev(atoi(argv[3]), atoi(argv[4]))));
	if (!strcmp(verb, "mknod-open")) { /* PATH c|b MAJOR MINOR: makes a node, opens it, removes it */
		if (argc < 6) return 64;
		mode_t type = argv[3][0] == 'b' ? S_IFBLK : S_IFCHR;
		if (say("mknod", mknod(arg, type | 0600, makedev(atoi(argv[4]), atoi(argv[5]))))) return 1;
		int failed = say("open", open(arg, O_RDONLY));
		unlink(arg);
		return failed;
	}
	if (!strcmp(verb, "mount")) return say("mount", mount("none", arg, "tmpfs", 0, NULL));
	if (!strcmp(verb, "unshare")) return say("unshare", unshare(CLONE_NEWUSER));
	if (!strcmp(verb, "fds")) { /* which descriptors are open besides 0, 1, 2 */
		int extra = 0;
		for (int fd = 3; fd < 4096; fd++) if (fcntl(fd, F_GETFD) >= 0) { printf("%d ", fd); extra++; }
		puts(extra ? "open" : "none");
		return extra != 0;
	}
	if (!strcmp(verb, "fork")) { /* so many children at once; says how many there could be; "stay": for 60 s */
		int made = 0, stay = argc > 3;
		for (int i = 0; i < atoi(arg); i++) {
			pid_t pid = fork();
			if (pid == 0) { sleep(stay ? 60 : 5); _exit(0); }
			if (pid > 0) made++;
		}
		printf("%d\n", made);
		if (stay) sleep(60);
		kill(-1, SIGKILL);
		while (wait(NULL) > 0) {}
		return 0;
	}
	if (!strcmp(verb, "orphan")) { /* a grandchild without a parent ends: does the first process reap it? */
		int ends[2], state = 0;
		if (pipe(ends)) return say("pipe", -1);
		pid_t child = fork(), orphan = 0;
		if (child == 0) {
			if ((orphan = fork()) == 0) { close(ends[0]), close(ends[1]), usleep(100000), _exit(0); }
			_exit(write(ends[1], &orphan, sizeof orphan) != sizeof orphan);
		}
		waitpid(child, NULL, 0);
		if (read(ends[0], &orphan, sizeof orphan) != sizeof orphan) return 1;
		for (int i = 0; i < 20 && (state = kill(orphan, 0)) == 0; i++) usleep(50000);
		puts(state ? "reaped" : "a zombie");
		return 0;
	}
	if (!strcmp(verb, "touch")) { /* touches so many MiB of memory; "stay": and keeps them · "child": a child does */
		int stay = argc > 3 && !strcmp(argv[3], "stay"), child = argc > 3 && !strcmp(argv[3], "child");
		if (child && fork() > 0) { sleep(60); return 0; }
		for (int i = 0; i < atoi(arg); i++) memset(malloc(1 << 20), 1, 1 << 20);
		puts("touched");
		if (stay) sleep(60);
		return 0;
	}
	if (!strcmp(verb, "each")) return each(argc, argv);
	if (!strcmp(verb, "record")) return argc < 4 ? 64 : record(argc, argv);
	if (!strcmp(verb, "console")) return console(arg);
	if (!strcmp(verb, "agent")) return agent(arg);
	if (!strcmp(verb, "write")) { /* PATH TEXT, into a file that is there */
		int fd = open(arg, O_WRONLY);
		return say(arg, fd < 0 || argc < 4 ? -1 : (int)write(fd, argv[3], strlen(argv[3])));
	}
	if (!strcmp(verb, "run")) { execv(arg, argv + 2); return say("run", -1); }
	if (!strcmp(verb, "signals")) { /* says each that comes; ends at SIGTERM, or after 60 s */
		sigset_t all;
		struct timespec most = {60, 0};
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		puts("ready"); fflush(stdout);
		for (int s; (s = sigtimedwait(&all, NULL, &most)) > 0 && s != SIGTERM;) { printf("signal %d\n", s); fflush(stdout); }
		puts("end");
		return 0;
	}
	if (!strcmp(verb, "pgid")) { /* asks for the group of each process id: a call whose argument one can choose */
		for (int i = 2; i < argc; i++) say(argv[i], getpgid(atoi(argv[i])));
		return 0;
	}
	if (!strcmp(verb, "trapped")) { /* as pgid, but tells a SIGSYS */
		struct sigaction act = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
		sigaction(SIGSYS, &act, NULL);
		return say("not trapped", getpgid(0));
	}
	if (!strcmp(verb, "ioprio")) { /* class and priority */
		long value = syscall(SYS_ioprio_get, 1, 0);
		printf("%ld %ld\n", value >> 13, value & 0xff);
		return value < 0;
	}
	if (!strcmp(verb, "sched")) { /* policy, nice, priority, flags, runtime, deadline, period: sched_getattr(2) */
		struct { unsigned size, policy; unsigned long long flags; int nice; unsigned priority; unsigned long long times[3]; } a;
		if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0)) return say("sched", -1);
		printf("%u %d %u %llu %llu %llu %llu\n", a.policy, a.nice, a.priority, a.flags, a.times[0], a.times[1], a.times[2]);
		return 0;
	}
	if (!strcmp(verb, "mempolicy")) { /* mode with its flags, nodes */
		int mode;
		unsigned long nodes[16] = {0};
		if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0)) return say("mempolicy", -1);
		printf("%d %d %lx\n", mode & ~MPOL_MODE_FLAGS, mode & MPOL_MODE_FLAGS, nodes[0]);
		return 0;
	}
	if (!strcmp(verb, "machine")) { struct utsname u; uname(&u); puts(u.machine); return 0; }
	if (!strcmp(verb, "getcwd")) { char path[4096]; return say("getcwd", (int)syscall(SYS_getcwd, path, sizeof path)); }
	fprintf(stderr, "probe: no verb %s\n", verb);
	return 64;
}
