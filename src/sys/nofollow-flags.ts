import { type AbiName, type Arch, flags, OPEN_FLAGS } from './abi.js';
import { type Num, num } from './num.js';

/** O_NOFOLLOW with other open flags, by architecture. */
export function nofollowFlags(arch: Arch, ...names: AbiName[]): Num {
  const rest = flags(...names);
  return num(rest.value | BigInt(OPEN_FLAGS[arch].O_NOFOLLOW), ['O_NOFOLLOW', ...names].join('|'));
}
