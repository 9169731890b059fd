/*
 * vlab-relay does what a plan cannot, since a plan only runs forwards: it carries bytes between a person's terminal
 * (descriptors 0 and 1) and a pseudo-terminal, and passes signals on. It puts the person's terminal into raw mode and back,
 * and passes on changes of the window's size.
 *   vlab-relay            carries for the pseudo-terminal at descriptor 3, until its other side is closed
 *   vlab-relay signals    is the parent of the program at pidfd 60: passes the signals of signalfd 61 on to it, tells at
 *                         descriptor 3 how it ended (a note with a siginfo), and ends with the code that is answered
 *   vlab-relay terminal   both, the pseudo-terminal at descriptor 62
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { IN, OUT, CHANNEL = 3, PIDFD = 60, SIGNALS, TERMINAL };

static struct termios before;
static int is_terminal, pty = CHANNEL;

static void restore(void) {
	if (is_terminal) tcsetattr(IN, TCSADRAIN, &before);
}

static void copy_size(void) {
	struct winsize size;
	if (ioctl(IN, TIOCGWINSZ, &size) == 0 || ioctl(OUT, TIOCGWINSZ, &size) == 0) ioctl(pty, TIOCSWINSZ, &size);
}

/* 0: nobody reads any more. */
static int write_all(int fd, const char *at, ssize_t left) {
	while (left > 0) {
		ssize_t n = write(fd, at, left);
		if (n < 0 && errno == EAGAIN) { /* somebody made the descriptor non-blocking */
			poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR) return 0;
		if (n > 0) at += n, left -= n;
	}
	return 1;
}

static void make_raw(void) {
	struct termios raw;
	is_terminal = tcgetattr(IN, &before) == 0;
	if (!is_terminal) return;
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(IN, TCSADRAIN, &raw);
}

static char buffer[65536];

/* One portion of the program's output. 0: there is no more. */
static int carry_output(void) {
	ssize_t n = read(pty, buffer, sizeof buffer);
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
	return n > 0 && write_all(OUT, buffer, n); /* EIO: the last slave was closed */
}

/* One portion of the person's input. 0: there is no more. */
static int carry_input(void) {
	ssize_t n = read(IN, buffer, sizeof buffer);
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
	if (n == 0) write_all(pty, "\004", 1); /* end of input, as a person types it */
	return n > 0 && write_all(pty, buffer, n);
}

/* Tells how the program ended and returns the exit code that comes back, or one's own when nobody answers. */
static int tell_end(void) {
	struct { uint32_t type, length; int32_t step, reason; int64_t result; uint64_t times[2]; siginfo_t info; } note = {
		.type = 1, .length = sizeof(siginfo_t)};
	int32_t code;
	while (waitid(P_PIDFD, PIDFD, &note.info, WEXITED) < 0 && errno == EINTR) {}
	code = note.info.si_code == CLD_EXITED ? note.info.si_status : 128 + note.info.si_status;
	if (write(CHANNEL, &note, sizeof note) == sizeof note) {
		int32_t answer;
		if (recv(CHANNEL, &answer, sizeof answer, MSG_WAITALL) == sizeof answer) code = answer;
	}
	return code;
}

int main(int argc, char **argv) {
	int parent = argc > 1, carries = !parent || argv[1][0] == 't', signals = SIGNALS;
	sigset_t mask;
	if (parent) pty = TERMINAL;
	else {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* ends in order, so that the terminal is put back */
		sigfillset(&mask);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		signals = signalfd(-1, &mask, SFD_CLOEXEC);
		if (getppid() == 1 || signals < 0) return 1;
	}
	if (carries) {
		make_raw();
		copy_size();
	}
	struct pollfd set[] = {
		{carries ? pty : -1, POLLIN, 0}, {carries ? IN : -1, POLLIN, 0}, {signals, POLLIN, 0}, {parent ? PIDFD : -1, POLLIN, 0}};
	for (;;) {
		if (poll(set, 4, -1) < 0 && errno != EINTR) break;
		if (set[2].revents & POLLIN) {
			struct signalfd_siginfo info;
			if (read(signals, &info, sizeof info) != sizeof info) break;
			if (info.ssi_signo == SIGWINCH && carries) copy_size();
			else if (parent) syscall(SYS_pidfd_send_signal, PIDFD, info.ssi_signo, NULL, 0);
			else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) break;
		}
		if (set[0].revents && !carry_output()) {
			if (!parent) break;
			set[0].fd = -1;
		}
		if (set[1].revents && !carry_input()) set[1].fd = -1;
		if (set[3].revents) break;
	}
	for (struct pollfd rest = {pty, POLLIN, 0}; parent && carries && set[0].fd >= 0 && poll(&rest, 1, 0) > 0;)
		if (!carry_output()) break;
	int code = parent ? tell_end() : 0;
	restore();
	return code;
}
