/** What a container's standard descriptors are at a dump, and how they get others at a restore (criu(8), --inherit-fd). Pure. */

/** A descriptor of a process, as /proc shows it. */
export interface DescriptorSeen {
  number: number;
  /** `pipe:[123]`, `/dev/null` */
  link: string;
  /** The mount that its file was opened by (proc_pid_fdinfo(5)). */
  mount: number;
  inode: bigint;
  kind: 'file' | 'terminal' | 'other';
  /** Of a terminal: its own number, and that of the file system that its name is in. */
  rdev: bigint;
  device: bigint;
}

/** A descriptor that is the caller's, by the name that criu knows it by. */
export interface OuterDescriptor {
  number: number;
  key: string;
}

/**
 * Which of them lead out of the container. Sockets are not among them: criu cannot give a connected one another end, and says so.
 */
export function outerDescriptors(seen: readonly DescriptorSeen[], mounts: ReadonlySet<number>): OuterDescriptor[] {
  return seen.flatMap((one) => {
    const key = keyOf(one, mounts);
    return key === undefined ? [] : [{ number: one.number, key }];
  });
}

function keyOf({ link, mount, inode, kind, rdev, device }: DescriptorSeen, mounts: ReadonlySet<number>) {
  if (/^pipe:\[\d+\]$/.test(link)) return link;
  if (mounts.has(mount)) return undefined;
  if (kind === 'terminal') return `tty[${rdev.toString(16)}:${device.toString(16)}]`;
  return kind === 'file' ? `file[${mount.toString(16)}:${inode.toString(16)}]` : undefined;
}

/** What a dump must be told of them (criu(8), --external). A pipe explains itself. */
export function externalOf({ key }: OuterDescriptor): string[] {
  return key.startsWith('pipe:') ? [] : [key];
}

/** `descriptors.json` of runc and crun: what 0, 1 and 2 were. Only pipes are given anew by what it says. */
export function descriptorsJson(seen: readonly DescriptorSeen[]): string {
  return JSON.stringify([0, 1, 2].map((number) => seen.find((one) => one.number === number)?.link ?? ''));
}

/** Those of an image of another runtime. RangeError: it is no list of three names. */
export function fromDescriptorsJson(text: string): OuterDescriptor[] {
  const links = JSON.parse(text) as unknown;
  if (!Array.isArray(links)) throw new RangeError('descriptors.json is no list');
  return links.flatMap((link, number) =>
    typeof link === 'string' && link.startsWith('pipe:') ? [{ number, key: link }] : [],
  );
}
