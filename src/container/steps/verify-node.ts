/** Checks that what a descriptor is of is a certain device (statx(2)). Pure. */
import { ABI, flags } from '../../sys/abi.js';
import type { PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import type { ValueChecks } from '../../sys/value-check.js';

const STATX_BYTES = 256;
const TYPES = { c: ABI.S_IFCHR, b: ABI.S_IFBLK, p: ABI.S_IFIFO };
const NAMES = { c: 'a character device', b: 'a block device', p: 'a FIFO' };

export function verifyNode(
  b: PlanBuilder,
  checks: ValueChecks,
  node: Word,
  { type, major, minor }: { type: 'c' | 'b' | 'p'; major: number; minor: number },
  options: Pick<StepOptions, 'from' | 'hint'>,
): void {
  const stat = b.space(STATX_BYTES, 'stat');
  b.step(
    'statx',
    [node, b.str(''), flags('AT_EMPTY_PATH'), flags('STATX_BASIC_STATS'), stat],
    'look what it is',
    options,
  );
  const field = (at: number, name: string) => b.field(stat, at, 'w32', name);
  // The two bytes behind stx_mode are zero.
  checks.within(field(28, 'its mode'), TYPES[type], TYPES[type] | 0o7777, `it must be ${NAMES[type]}`, options);
  if (type === 'p') return;
  checks.within(field(128, 'its major number'), major, major, `of number ${major}`, options);
  checks.within(field(132, 'its minor number'), minor, minor, `and ${minor}`, options);
}
