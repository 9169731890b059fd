/** The tree of a parsed template. `at` is a position in the source, `text` how Go writes the node in its messages. */

interface Placed {
  at: number;
  text: string;
}

export type Operand =
  | (Placed & { kind: 'dot' | 'nil' })
  | (Placed & { kind: 'constant'; value: string | number | boolean })
  | (Placed & { kind: 'variable'; name: string })
  | (Placed & { kind: 'function'; name: string })
  | (Placed & { kind: 'pipeline'; pipeline: Pipeline })
  /** `.A.B`, `$x.A`, `(…).A`: the names after `base`. */
  | (Placed & { kind: 'chain'; base: Operand; names: string[] });

export interface Command extends Placed {
  operands: Operand[];
}

export interface Pipeline extends Placed {
  /** Variables that get the value; two only in `range`. */
  names: string[];
  /** `$x = …` of a variable that there is, not `$x := …`. */
  assigns: boolean;
  commands: Command[];
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipeline: Pipeline }
  | { kind: 'if' | 'with' | 'range'; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  | { kind: 'break' | 'continue' };
