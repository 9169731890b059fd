/** What vlab-front sends to the planner (docs/planner.md): struct request of vlab-front.c, little-endian. Pure. */
export interface PlannerRequest {
  words: string[];
  cwd: string;
  env: Record<string, string>;
  umask: number;
  /** Of the front, which becomes the performer. */
  pid: number;
  descriptors: Map<number, { at: number; mode: number }>;
}

export const REQUEST_MAGIC = 0x49434f56;
const MAX_DESCRIPTORS = 64;
const DESCRIPTOR_BYTES = 12;
const HEAD_BYTES = 28;
const TEXT_AT = HEAD_BYTES + MAX_DESCRIPTORS * DESCRIPTOR_BYTES;
export const MAX_REQUEST_BYTES = TEXT_AT + (1 << 18);

/** Whether that is all of it. Throws RangeError for one that vlab-front would not make. */
export function wholeRequest(begun: Buffer): boolean {
  if (begun.length < HEAD_BYTES) return false;
  const bytes = begun.readUInt32LE(4);
  if (begun.readUInt32LE(0) !== REQUEST_MAGIC || bytes < TEXT_AT || bytes > MAX_REQUEST_BYTES) {
    throw new RangeError('not a request of vlab-front');
  }
  return begun.length >= bytes;
}

export function parseRequest(message: Buffer): PlannerRequest {
  const [args, variables, descriptors, umask, pid] = [8, 12, 16, 20, 24].map((at) => message.readUInt32LE(at));
  const strings = message.toString('utf8', TEXT_AT).split('\0');
  const [cwd = '/', ...rest] = strings;
  if (rest.length < (args ?? 0) + (variables ?? 0) || (descriptors ?? 0) > MAX_DESCRIPTORS) {
    throw new RangeError('not a request of vlab-front');
  }
  return {
    words: rest.slice(0, args),
    cwd,
    env: Object.fromEntries(rest.slice(args, (args ?? 0) + (variables ?? 0)).map(variable)),
    umask: umask ?? 0o022,
    pid: pid ?? 0,
    descriptors: new Map(
      Array.from({ length: descriptors ?? 0 }, (_, slot) => {
        const at = HEAD_BYTES + slot * DESCRIPTOR_BYTES;
        return [message.readUInt32LE(at), { at: message.readUInt32LE(at + 4), mode: message.readUInt32LE(at + 8) }];
      }),
    ),
  };
}

function variable(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
