/** What a filter decides by one word of its input alone, the number of a system call first of all: ranges of values. Pure. */
import { ARCHITECTURE_AT, type Instruction, isComparison, NUMBER_AT, OPCODES } from './classic-bpf.js';

/** What follows when the word is known: the action that is returned, or the instruction that takes the next word. */
export type Decision = { action: number } | { goOnAt: number };

export interface CallRange {
  first: number;
  last: number;
  decision: Decision;
}

const GREATEST = 0xffffffff;

/** The architectures that a program compares with, in its order. */
export function architecturesOf(program: readonly Instruction[]): number[] {
  const found = new Set<number>();
  const seen = new Set<number>();
  const left = [0];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const instruction = program[at];
    if (instruction === undefined || instruction.code === OPCODES.give) continue;
    const { code, jt, jf, k } = instruction;
    if (code === OPCODES.load && k !== ARCHITECTURE_AT) continue;
    if (code === OPCODES.jump) left.push(at + 1 + k);
    else if (isComparison(instruction)) {
      if (code !== OPCODES.equal) throw new RangeError('the architecture is compared by order');
      found.add(k);
      left.push(at + 1 + jf, at + 1 + jt);
    } else left.push(at + 1);
  }
  return [...found];
}

/**
 * Ranges in order, without gaps, neighbours different. Throws RangeError for a program that does other things with the
 * number than compare it: such a one is left as it is.
 */
export function callTable(program: readonly Instruction[], architecture: number): CallRange[] {
  return tableFrom(program, 0, architecture);
}

/** The same of a word that is loaded already, by the comparisons from `start` on. */
export function wordTable(program: readonly Instruction[], start: number): CallRange[] {
  return tableFrom(program, start, undefined);
}

function tableFrom(program: readonly Instruction[], begin: number, architecture: number | undefined): CallRange[] {
  const ranges: CallRange[] = [];
  const follow = (start: number, loaded: 'number' | 'architecture' | undefined, first: number, last: number): void => {
    let [at, what, low] = [start, loaded, first];
    for (;;) {
      const instruction = program[at];
      if (instruction === undefined) throw new RangeError('the program runs off its end');
      const { code, k, jt, jf } = instruction;
      if (code === OPCODES.give) return void ranges.push({ first: low, last, decision: { action: k } });
      if (code === OPCODES.jump) at += 1 + k;
      else if (architecture !== undefined && code === OPCODES.load && (k === NUMBER_AT || k === ARCHITECTURE_AT)) {
        what = k === NUMBER_AT ? 'number' : 'architecture';
        at += 1;
      } else if (code === OPCODES.load || code === OPCODES.and) {
        return void ranges.push({ first: low, last, decision: { goOnAt: at } });
      } else if (what === 'architecture' && code === OPCODES.equal) at += 1 + (architecture === k ? jt : jf);
      else if (what !== 'number') throw new RangeError(`instruction ${at} looks at nothing that was loaded`);
      else {
        const [from, to] = rangeWhereTrue(code, k);
        if (to < low || from > last) at += 1 + jf;
        else if (from <= low && last <= to) at += 1 + jt;
        else {
          if (low < from) follow(at + 1 + jf, what, low, from - 1);
          if (last <= to) [at, low] = [at + 1 + jt, Math.max(low, from)];
          else {
            follow(at + 1 + jt, what, Math.max(low, from), to);
            [at, low] = [at + 1 + jf, to + 1];
          }
        }
      }
    }
  };
  follow(begin, architecture === undefined ? 'number' : undefined, 0, GREATEST);
  return merged(ranges.sort((a, b) => a.first - b.first));
}

function rangeWhereTrue(code: number, k: number): [number, number] {
  if (code === OPCODES.equal) return [k, k];
  if (code === OPCODES.greater) return [k + 1, GREATEST];
  if (code === OPCODES.greaterOrEqual) return [k, GREATEST];
  throw new RangeError(`a number is compared by the unknown instruction 0x${code.toString(16)}`);
}

export const isSame = (a: Decision, b: Decision) =>
  'action' in a ? 'action' in b && a.action === b.action : 'goOnAt' in b && a.goOnAt === b.goOnAt;

function merged(ranges: readonly CallRange[]): CallRange[] {
  const result: CallRange[] = [];
  for (const range of ranges) {
    const before = result.at(-1);
    if (before && isSame(before.decision, range.decision)) before.last = range.last;
    else result.push({ ...range });
  }
  return result;
}

/** Calls above `greatest`, up to `below`, that would get `from` get `to` instead. */
export function replaceAbove(
  ranges: readonly CallRange[],
  span: { greatest: number; below: number },
  [from, to]: [number, number],
): CallRange[] {
  return merged(
    ranges.flatMap((range): CallRange[] => {
      const { first, last, decision } = range;
      const low = Math.max(first, span.greatest + 1);
      const high = Math.min(last, span.below - 1);
      if (low > high || !('action' in decision) || decision.action !== from) return [range];
      return [
        ...(first < low ? [{ first, last: low - 1, decision }] : []),
        { first: low, last: high, decision: { action: to } },
        ...(high < last ? [{ first: high + 1, last, decision }] : []),
      ];
    }),
  );
}
