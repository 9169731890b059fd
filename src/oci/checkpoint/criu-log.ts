/** What a log of criu says of its failure, in terms of what the person can do. Pure. */
import { type Blame, VlabError } from '../../base/errors.js';

/** Lines that say Error and are none, or only repeat that it failed. */
const NOISE = [
  /rlimit: Can't setup RLIMIT_NOFILE/,
  /Dumping FAILED|Restoring FAILED|Pre-dumping FAILED/,
  /cgroupd: recv req error/,
  /Address already assigned|address already assigned/,
  /Dump files \(pid: \d+\) failed/,
  /One of more action scripts failed/,
  /tun: Unable to create tun/, // asked whether it could: the container's cgroup forbids it
  /\d+ killed by signal|exited, status=/,
];

export interface Fault {
  /** The first error: what follows comes of it. */
  first: string;
  /** The last that criu wrote. */
  last: string;
}

/** Undefined: the log tells of no error. */
export function faultIn(log: string): Fault | undefined {
  const errors = log.split('\n').filter((line) => /\bError\b/.test(line));
  const telling = errors.filter((line) => !NOISE.some((noise) => noise.test(line)));
  const [first] = telling.length > 0 ? telling : errors;
  const last = telling.at(-1) ?? errors.at(-1);
  return first === undefined || last === undefined ? undefined : { first: textOf(first), last: textOf(last) };
}

/** `(00.049) 1: Error (criu/tty.c:1): tty: …` → `tty: …` */
function textOf(line: string): string {
  return line.replace(/^.*?\bError\b\s*(\([^)]*\))?:?\s*/, '').trim();
}

interface Known {
  says: RegExp;
  feature: string;
  hint: string;
  blame?: Blame;
}

const KNOWN: Known[] = [
  {
    says: /Task attached to shell terminal|Found dangling tty|shell-job/,
    feature: "a terminal of the caller's",
    hint: 'use --shell-job, both ways',
  },
  {
    says: /Connected TCP socket|tcp-established/i,
    feature: 'a connection over TCP',
    hint: 'use --tcp-established, both ways',
  },
  {
    says: /in-flight/i,
    feature: 'a connection that is just being made',
    hint: 'use --tcp-skip-in-flight, or try again',
  },
  { says: /file locks/i, feature: 'a lock on a file', hint: 'use --file-locks, both ways' },
  {
    says: /Can't get rlimit/,
    feature: 'the limits of a process of another user than root',
    hint: 'criu needs CAP_SYS_RESOURCE for it, which is not here',
    blame: 'host',
  },
  {
    says: /Can't open file fd\/\d+ .*Permission denied/,
    feature: 'a standard descriptor in a user namespace',
    hint: "it must be a pipe, or a file that the container's root may open",
  },
  {
    says: /Unix socket \d+ not found/,
    feature: "a unix socket of the host's network",
    hint: 'standard descriptors must be pipes, files or terminals, not sockets',
  },
  {
    says: /[Ee]xternal (stream )?socket|unix.*(external|peer)/,
    feature: 'a unix socket whose other end is outside',
    hint: 'use --ext-unix-sk, if whoever is there can do without it; standard descriptors must be pipes or files, not sockets',
  },
  {
    says: /link-remap|Can't create link|hard links? (is|are)|ghost/i,
    feature: 'an open file that was removed',
    hint: 'use --link-remap',
  },
  {
    says: /Can't get 1:(16|34) opt/,
    feature: 'a network socket',
    hint: 'Linux 6.16 and newer need criu 4.2: `vlab criu pull` gets one',
    blame: 'host',
  },
  {
    says: /vdso|vvar/i,
    feature: "this kernel's vDSO",
    hint: 'a newer kernel needs a newer criu: `vlab criu pull` gets one',
    blame: 'host',
  },
  {
    says: /Can't lookup mount=\S+ for fd=\d+/,
    feature: 'a file outside of its file systems',
    hint: 'a program that is to be checkpointed must not have one open, but for its standard descriptors',
  },
  {
    says: /[Tt]racking memory|[Mm]emory track|dirty track|soft-?dirty/,
    feature: 'tracking of changed memory',
    hint: 'this needs a kernel with CONFIG_MEM_SOFT_DIRTY; leave --pre-dump and --parent-path away',
    blame: 'host',
  },
  {
    says: /Namespaces dumping finished with error/,
    feature: 'its network namespace',
    hint: 'try --empty-ns network, which leaves devices and rules out: it has its loopback afterwards',
  },
  {
    says: /execvp\("(tar|gzip|ip)"/,
    feature: 'a program that it needs',
    hint: 'install it',
    blame: 'host',
  },
  {
    says: /ip6?tables|nft/i,
    feature: 'holding its connections',
    hint: 'try --network-lock nftables, or skip where nobody sends to it meanwhile',
    blame: 'host',
  },
  { says: /[Uu]serfaultfd|uffd/, feature: 'memory on demand', hint: 'leave --lazy-pages away', blame: 'host' },
  {
    says: /File fd\/\d+ has bad|has bad (size|mode|build)/,
    feature: 'a file that is not what it was',
    hint: 'standard descriptors must be of the kind they were, and a log that grows be open for appending (>>)',
  },
  {
    says: /Network is unreachable/,
    feature: 'its network',
    hint: 'with --empty-ns network, hooks or the engine must set up the devices before',
  },
  {
    says: /Can't (open|find) .*external mount|No mapping for/,
    feature: 'a mount that comes from outside',
    hint: 'config.json must bind something at every place where the checkpointed container had it',
  },
];

/** The failure as an error that names the feature, what criu said, and the log. `what` could not be done to `whom`. */
export function criuFailure(
  what: string,
  whom: string,
  log: { text: string | undefined; path: string },
  said: string | undefined,
): VlabError {
  const fault = log.text === undefined ? undefined : faultIn(log.text);
  const lines = [...new Set([fault?.first, fault?.last])].filter((line) => line !== undefined);
  const known = KNOWN.find(({ says }) => lines.some((line) => says.test(line)));
  const because = lines.length > 0 ? lines.join('; ') : (said ?? 'criu ended without a word');
  return new VlabError(
    known?.blame ?? 'operation',
    `cannot ${what} ${whom}: criu failed${known ? ` over ${known.feature}` : ''}: ${because}`,
    { hint: `${known ? `${known.hint}; ` : ''}criu's log is ${log.path}` },
  );
}
