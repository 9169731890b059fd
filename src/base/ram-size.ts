const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/**
 * A size as docker reads it (github.com/docker/go-units, RAMInBytes): `64m`, `1.5g`, `4GiB`, `100 kb`, bytes without a unit; all
 * units are powers of 1024. Bytes, rounded down; undefined when it is none.
 */
export function ramBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text) ?? [];
  if (amount === undefined) return undefined;
  return Math.floor(Number(amount) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
}
