/**
 * The same filter in fewer instructions: calls with neighbouring numbers and the same fate become ranges in a search tree.
 * The kernel tries every call out when a filter is installed (seccomp_cache_prepare) and then compiles it, so that shorter
 * is quicker: a default profile takes 0.7 ms as libseccomp lists it, and less than 0.1 ms like this. Pure.
 */
import { architecturesOf, type CallRange, callTable, type Decision, isSame, wordTable } from './call-table.js';
import { ARCHITECTURE_AT, type Instruction, NUMBER_AT, OPCODES } from './classic-bpf.js';

/** An instruction whose jumps are to others of the list, by their place in it. */
interface Node {
  code: number;
  k: number;
  /** Where it goes on; with a comparison, when that holds. */
  next?: number;
  otherwise?: number;
}

/** `change`: what to make of an architecture's table. Throws RangeError for a program of another shape than libseccomp's. */
export function shortenFilter(
  program: readonly Instruction[],
  change: (architecture: number, table: CallRange[]) => CallRange[] = (_, table) => table,
): Instruction[] {
  const architectures = architecturesOf(program);
  const nodes: Node[] = [{ code: OPCODES.load, k: ARCHITECTURE_AT, next: 1 }];
  for (const architecture of architectures) {
    const test = nodes.push({ code: OPCODES.equal, k: architecture }) - 1;
    const load = nodes.push({ code: OPCODES.load, k: NUMBER_AT }) - 1;
    const table = change(architecture, callTable(program, architecture));
    const root = addTable(nodes, program, table);
    Object.assign(nodes[test] as Node, { next: load, otherwise: nodes.length });
    (nodes[load] as Node).next = root;
  }
  const unknown = architectures.reduce((sum, one) => Math.max(sum, one), 0) ^ 1;
  const [rest] = callTable(program, unknown);
  if (!rest || !('action' in rest.decision)) throw new RangeError('other architectures are not simply refused');
  nodes.push({ code: OPCODES.give, k: rest.decision.action });
  return layOut(nodes);
}

/**
 * Adds a search tree and what it leads to, in an order in which every jump goes forwards: the tree, then what takes arguments in
 * the order of the program, each with a tree of its own, and then the actions. Returns the place of the root.
 */
function addTable(nodes: Node[], program: readonly Instruction[], table: readonly CallRange[]): number {
  const pending: { node: Node; side: 'next' | 'otherwise'; to: Decision }[] = [];
  const link = (node: Node, side: 'next' | 'otherwise', to: number | Decision) => {
    if (typeof to === 'number') node[side] = to;
    else pending.push({ node, side, to });
  };
  const build = (ranges: readonly CallRange[]): number | Decision => {
    const [only, exception] = ranges;
    if (!only) throw new RangeError('a table without a range');
    if (ranges.length === 1) return only.decision;
    const node: Node = { code: OPCODES.greaterOrEqual, k: 0 };
    const at = nodes.push(node) - 1;
    if (exception && isExceptions(ranges)) {
      Object.assign(node, { code: OPCODES.equal, k: exception.first });
      link(node, 'next', exception.decision);
      link(node, 'otherwise', build(ranges.slice(2)));
    } else {
      const middle = middleOf(ranges);
      node.k = (ranges[middle] as CallRange).first;
      link(node, 'otherwise', build(ranges.slice(0, middle)));
      link(node, 'next', build(ranges.slice(middle)));
    }
    return at;
  };
  const root = build(table);
  const places = new Map<number, number>();
  const starts = table.flatMap(({ decision }) => ('goOnAt' in decision ? [decision.goOnAt] : []));
  for (const at of reachable(program, starts)) {
    const { code, k } = program[at] as Instruction;
    const node: Node = { code, k };
    places.set(at, nodes.push(node) - 1);
    link(node, 'next', build(wordTable(program, at + 1)));
  }
  const actions = new Map<number, number>();
  const placeOf = (decision: Decision): number => {
    if ('goOnAt' in decision) return places.get(decision.goOnAt) as number;
    const known = actions.get(decision.action);
    if (known !== undefined) return known;
    const place = nodes.push({ code: OPCODES.give, k: decision.action }) - 1;
    actions.set(decision.action, place);
    return place;
  };
  for (const { node, side, to } of pending) node[side] = placeOf(to);
  return typeof root === 'number' ? root : placeOf(root);
}

/** Instructions that take a word, as far as they can be reached, in the order of the program. */
function reachable(program: readonly Instruction[], starts: readonly number[]): number[] {
  const found = new Set<number>();
  const left = [...starts];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    for (const { decision } of wordTable(program, at + 1)) if ('goOnAt' in decision) left.push(decision.goOnAt);
  }
  return [...found].sort((a, b) => a - b);
}

/** `X y X`, `X y X z X` and so on, with a few single numbers between the same: asked for one by one, they need no borders. */
function isExceptions(ranges: readonly CallRange[]): boolean {
  const [usual] = ranges;
  if (!usual || ranges.length > MOST_EXCEPTIONS || ranges.length % 2 === 0) return false;
  return ranges.every((range, index) =>
    index % 2 === 0 ? isSame(range.decision, usual.decision) : range.first === range.last,
  );
}

const MOST_EXCEPTIONS = 7;

/** Numbers that kernels have: every path to them is walked when the filter is installed. */
const NUMBERS = 512;

/** Where both halves hold about as many calls. */
function middleOf(ranges: readonly CallRange[]): number {
  const weights = ranges.map(({ first, last }) => 1 + Math.max(0, Math.min(last, NUMBERS) - first));
  const half = weights.reduce((sum, weight) => sum + weight, 0) / 2;
  let [sum, best, distance] = [0, 1, Number.POSITIVE_INFINITY];
  for (let at = 1; at < ranges.length; at++) {
    sum += weights[at - 1] as number;
    if (Math.abs(sum - half) < distance) [best, distance] = [at, Math.abs(sum - half)];
  }
  return best;
}

/** The farthest that a comparison jumps. */
const FAR = 255;

/** Places of nodes → instructions; a jump that is too far for a comparison, or not the next one, gets one of its own. */
function layOut(nodes: readonly Node[]): Instruction[] {
  const far = nodes.map(() => ({ next: false, otherwise: false }));
  for (;;) {
    const places: number[] = [];
    let length = 0;
    for (const { next, otherwise } of far) {
      places.push(length);
      length += 1 + (next ? 1 : 0) + (otherwise ? 1 : 0);
    }
    let changed = false;
    nodes.forEach((node, index) => {
      const mine = far[index] as Far;
      const distance = (to: number | undefined) => (places[to ?? 0] as number) - (places[index] as number) - 1;
      const isComparing = node.otherwise !== undefined;
      const next = node.next !== undefined && (isComparing ? distance(node.next) > FAR : node.next !== index + 1);
      const otherwise = isComparing && distance(node.otherwise) > FAR;
      if ((next && !mine.next) || (otherwise && !mine.otherwise)) {
        far[index] = { next: next || mine.next, otherwise: otherwise || mine.otherwise };
        changed = true;
      }
    });
    if (!changed) return nodes.flatMap((node, index) => instructionsOf(node, index, places, far[index] as Far));
  }
}

type Far = { next: boolean; otherwise: boolean };

function instructionsOf(node: Node, index: number, places: readonly number[], far: Far): Instruction[] {
  const here = places[index] as number;
  const place = (to: number | undefined) => places[to ?? 0] as number;
  const { code, k } = node;
  if (node.next === undefined) return [{ code, jt: 0, jf: 0, k }];
  const jumpTo = (to: number | undefined, from: number): Instruction => ({
    code: OPCODES.jump,
    jt: 0,
    jf: 0,
    k: place(to) - from - 1,
  });
  if (node.otherwise === undefined) {
    return [{ code, jt: 0, jf: 0, k }, ...(far.next ? [jumpTo(node.next, here + 1)] : [])];
  }
  const jumps: Instruction[] = [];
  let at = here + 1;
  const side = (isFar: boolean, to: number | undefined) => {
    if (!isFar) return place(to) - here - 1;
    jumps.push(jumpTo(to, at));
    return at++ - here - 1;
  };
  const jt = side(far.next, node.next);
  const jf = side(far.otherwise, node.otherwise);
  return [{ code, jt, jf, k }, ...jumps];
}
