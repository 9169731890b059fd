/** Blocks of tar archives for tests, written by hand: also such as no tool makes. */
export interface Block {
  path?: string;
  flag?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number | string;
  mtime?: number;
  linkPath?: string;
  major?: number;
  minor?: number;
  content?: Buffer | string;
  /** Bytes that are put over the header before its checksum. */
  over?: [at: number, bytes: string | Buffer][];
  checksum?: number;
}

const octal = (value: number, bytes: number) => `${value.toString(8).padStart(bytes - 1, '0')}\0`;

export function block(options: Block = {}): Buffer {
  const content = Buffer.from(options.content ?? '');
  const head = Buffer.alloc(512);
  const size = options.size ?? content.length;
  head.write((options.path ?? 'file').slice(0, 100), 0, 'latin1');
  head.write(octal(options.mode ?? 0o644, 8), 100);
  head.write(octal(options.uid ?? 0, 8), 108);
  head.write(octal(options.gid ?? 0, 8), 116);
  head.write(typeof size === 'string' ? size : octal(size, 12), 124, 'latin1');
  head.write(octal(options.mtime ?? 1_600_000_000, 12), 136);
  head.write(options.flag ?? '0', 156);
  head.write((options.linkPath ?? '').slice(0, 100), 157, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  if (options.major !== undefined) head.write(octal(options.major, 8), 329);
  if (options.minor !== undefined) head.write(octal(options.minor, 8), 337);
  for (const [at, bytes] of options.over ?? []) Buffer.from(bytes as string, 'latin1').copy(head, at);
  head.write('        ', 148);
  const sum = options.checksum ?? head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** An extended header, for the block behind it. */
export function pax(...records: [string, string | Buffer][]): Buffer {
  const body = records.map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length++;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return block({ path: 'PaxHeaders/x', flag: 'x', content: Buffer.concat(body) });
}

export const END = Buffer.alloc(1024);

export const archive = (...blocks: Buffer[]): Buffer => Buffer.concat([...blocks, END]);
