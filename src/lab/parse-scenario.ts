import { type Document, isAlias, isCollection, isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../base/errors.js';
import { DRIVER_NAMES } from '../drivers/registry.js';
import { checkAcrossKeys } from './check-across-keys.js';
import type { Complaint } from './complaint.js';
import { type Scenario, scenarioFile, scenarioOf } from './scenario.js';
import { type Problem, problemsOf, valueAt } from './schema-problems.js';

/** A scenario file that was read: the scenario when there is nothing to complain about. */
export interface ParsedScenario {
  scenario: Scenario | undefined;
  complaints: Complaint[];
  /**
   * The parts that can be checked further even when others are wrong: arms with a driver that exists and a map of options,
   * and the root file system.
   */
  raw: { arms: ReadonlyMap<number, { driver: string; options: Record<string, unknown> }>; rootfs: string | undefined };
  /** Turns a problem at a key into a complaint with its place in the file; later checks of the same file use it. */
  complain(problem: Problem): Complaint;
}

/** More than any scenario needs; a bound on what one file can make the parser do. */
const LARGEST_FILE_BYTES = 256 * 1024;
/**
 * The parser works depth first, and V8 ends the whole process when a regular expression is compiled with too little stack
 * left: nesting is bounded before it. A scenario needs five levels.
 */
const MOST_OPEN_BRACKETS = 64;
const DEEPEST_COLUMN = 256;
/** Aliases are allowed, bombs of them are not: how often one anchor may be copied, copies of copies counted. */
const MOST_ALIAS_COPIES = 64;
/** Files whose only YAML errors are these are still worth checking against the schema. */
const MILD_YAML_ERRORS = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

/** YAML text → scenario, or every complaint about it. Pure: looks at nothing but the text. */
export function parseScenario(text: string, file: string): ParsedScenario {
  const lines = new LineCounter();
  const at = (offset: number, message: string): Complaint => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), col: Math.max(1, col), message };
  };
  const failed = (complaints: Complaint[]): ParsedScenario => ({
    scenario: undefined,
    complaints,
    raw: { arms: new Map(), rootfs: undefined },
    complain: ({ message }) => at(0, message),
  });
  if (Buffer.byteLength(text) > LARGEST_FILE_BYTES) {
    return failed([at(0, `is larger than ${LARGEST_FILE_BYTES / 1024} KiB; a scenario is a page of text`)]);
  }
  if (isNestedTooDeeply(text)) return failed([at(0, 'is nested too deeply')]);

  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  } catch (error) {
    return failed([at(0, `cannot be read as YAML: ${messageOf(error)}`)]);
  }
  const yamlErrors = [...document.errors, ...document.warnings];
  const complaints = yamlErrors.map((error) => at(error.pos[0], yamlMessage(error)));
  if (yamlErrors.some((error) => !MILD_YAML_ERRORS.has(error.code))) return failed(complaints);

  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: MOST_ALIAS_COPIES });
  } catch (error) {
    return failed([...complaints, at(0, `cannot be read as YAML: ${messageOf(error)}`)]);
  }
  if (raw === null || raw === undefined) {
    return failed([...complaints, at(0, 'is empty; a scenario needs at least `name`, `payload` and `arms`')]);
  }

  const complain = (problem: Problem): Complaint => at(offsetOf(document, problem), problem.message);
  const parsed = scenarioFile.safeParse(raw);
  const problems = parsed.success ? [] : problemsOf(parsed.error.issues, raw, scenarioFile);
  problems.push(...checkAcrossKeys(raw));
  complaints.push(...problems.map(complain));
  const scenario = parsed.success && complaints.length === 0 ? scenarioOf(parsed.data) : undefined;
  return { scenario, complaints, raw: checkableParts(raw), complain };
}

function checkableParts(raw: unknown): ParsedScenario['raw'] {
  const listed = valueAt(raw, ['arms']);
  const arms = new Map<number, { driver: string; options: Record<string, unknown> }>();
  for (const [index, arm] of (Array.isArray(listed) ? listed : []).entries()) {
    const driver = valueAt(arm, ['driver']);
    const options = valueAt(arm, ['options']) ?? {};
    if (typeof driver !== 'string' || !(DRIVER_NAMES as readonly string[]).includes(driver)) continue;
    if (typeof options !== 'object' || options === null || Array.isArray(options)) continue;
    arms.set(index, { driver, options: options as Record<string, unknown> });
  }
  const rootfs = valueAt(raw, ['payload', 'rootfs']);
  return { arms, rootfs: typeof rootfs === 'string' ? rootfs : undefined };
}

/** A bound on the depth from above: brackets that are open, and columns before the first word of a line. */
function isNestedTooDeeply(text: string): boolean {
  let open = 0;
  for (const character of text) {
    if (character === '[' || character === '{') open++;
    else if (character === ']' || character === '}') open = Math.max(0, open - 1);
    if (open > MOST_OPEN_BRACKETS) return true;
  }
  return text.split(/[\r\n]/).some((line) => (/^[-?: \t]*/.exec(line)?.[0].length ?? 0) > DEEPEST_COLUMN);
}

function yamlMessage(error: { code: string; message: string }): string {
  if (error.code === 'DUPLICATE_KEY') return 'this key is there twice';
  return error.message.split('\n')[0] ?? error.message;
}

/** Where to point for a problem: at the key itself or at its value; for a key that is not there, at the map that lacks it. */
function offsetOf(document: Document.Parsed, { path, pointAt }: Problem): number {
  let node: Node | null | undefined = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === String(key));
      if (!pair) return offset;
      const keyOffset = startOf(pair.key as Node) ?? offset;
      if (pointAt === 'key' && depth === path.length - 1) return keyOffset;
      node = pair.value as Node | null;
      offset = startOf(node) ?? keyOffset;
      // An empty value has no text of its own, so its key is the better place.
      if ((node?.range?.[0] ?? 0) === (node?.range?.[1] ?? 0)) offset = keyOffset;
    } else if (isCollection(node)) {
      node = node.items[Number(key)] as Node | undefined;
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}
