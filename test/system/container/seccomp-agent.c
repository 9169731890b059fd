/*
 * Answers the system calls that a filter asks about (seccomp_unotify(2)): takes one container process state at the socket PATH
 * and prints it, then says EXDEV to mkdir and lets everything else go on. Each question is a line: the number of the call.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
	static char text[65536];
	char control[CMSG_SPACE(sizeof(int) * 4)];
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct iovec part = {text, sizeof text - 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	int listener = -1, descriptors = 0, s = socket(AF_UNIX, SOCK_STREAM, 0);
	alarm(30);
	strncpy(name.sun_path, argc > 1 ? argv[1] : "", sizeof name.sun_path - 1);
	if (bind(s, (struct sockaddr *)&name, sizeof name) || listen(s, 1)) return perror("listen"), 1;
	puts("listening"), fflush(stdout);
	int c = accept(s, NULL, NULL);
	if (c < 0 || recvmsg(c, &message, MSG_CMSG_CLOEXEC) <= 0) return perror("receive"), 1;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m))
		if (m->cmsg_type == SCM_RIGHTS) descriptors = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int), listener = *(int *)CMSG_DATA(m);
	char more;
	printf("%s\n", text);
	printf("%d descriptors, %s\n", descriptors, read(c, &more, 1) == 0 ? "and no more" : "and more");
	fflush(stdout);
	close(c);
	for (struct pollfd set = {listener, POLLIN, 0}; poll(&set, 1, 20000) > 0 && !(set.revents & POLLHUP);) {
		struct seccomp_notif asked = {0};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) continue;
		struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		int refused = asked.data.nr == SYS_mkdirat;
#ifdef SYS_mkdir
		refused |= asked.data.nr == SYS_mkdir;
#endif
		if (refused) answer.flags = 0, answer.error = -EXDEV;
		printf("%d\n", asked.data.nr), fflush(stdout);
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	return 0;
}
