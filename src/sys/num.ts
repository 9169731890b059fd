/** An immediate 64-bit argument of a step; `text` is how a person reads it (`MS_BIND|MS_REC`). */
export interface Num {
  kind: 'num';
  value: bigint;
  text?: string;
}

export function num(value: number | bigint, text?: string): Num {
  const exact = BigInt(value);
  return text === undefined ? { kind: 'num', value: exact } : { kind: 'num', value: exact, text };
}
