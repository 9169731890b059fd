/** What containers of more than one engine are asked to do. */

/** A filter of system calls by which no directory can be made: mkdir says "No space left on device" (ENOSPC). */
export const NO_DIRECTORIES = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
});

/** Says `mounted`, `devices` and `writable`, as far as the container may. */
export const USE_PRIVILEGES =
  'mount -t tmpfs none /tmp && echo mounted; [ -e /dev/loop-control ] || [ -e /dev/full ] && echo devices; touch /proc/sys/kernel/domainname && echo writable';

/** A build in steps, of a file `file` beside it. What is built says its text, who built it, whose it is, where it is, and y. */
export const buildFile = (base: string): string => `FROM ${base}
COPY file /file
RUN echo "$(cat /file) by $(id -u)" > /built
USER 1000
RUN id -u > /tmp/user
WORKDIR /made
ENV X=y
CMD ["sh", "-c", "cat /built /tmp/user; pwd; echo $X"]
`;
