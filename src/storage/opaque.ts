/** Whether directories of an overlay's layers are opaque: an extended attribute, which Node cannot read. */
import { hostArch } from '../sys/abi.js';
import { performOnce } from '../sys/perform-once.js';
import { PlanBuilder } from '../sys/plan.js';

/** A reply has 64 KiB, each answer 8 bytes; and a path may have 4 KiB, of 16 MiB in all. */
const AT_ONCE = 2000;
const ATTRIBUTE = 'overlay.opaque';

/** Those of the directories that are opaque. `userXattr`: the marks are those of layers without privileges. */
export async function opaqueOf(directories: readonly string[], userXattr: boolean): Promise<Set<string>> {
  const found = new Set<string>();
  for (let from = 0; from < directories.length; from += AT_ONCE) {
    const some = directories.slice(from, from + AT_ONCE);
    const b = new PlanBuilder(hostArch());
    const lengths = b.space(some.length * 8, 'lengths');
    const value = b.space(8, 'value');
    const name = b.str(`${userXattr ? 'user' : 'trusted'}.${ATTRIBUTE}`);
    some.forEach((path, index) => {
      const result = { kind: 'w64', offset: lengths.offset + index * 8, text: 'length' } as const;
      b.step('lgetxattr', [b.str(path), name, value, 1], 'opaque or not', {
        result,
        tolerate: ['ENODATA', 'EOPNOTSUPP', 'ENOENT', 'ERANGE'],
      });
    });
    b.reply(lengths, some.length * 8);
    const { reply } = await performOnce(b.build());
    some.forEach((path, index) => {
      if (reply.readBigInt64LE(index * 8) === 1n) found.add(path);
    });
  }
  return found;
}
