// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are written so
import { describe, expect, it } from 'vitest';
import { expandWord, expandWords } from '../../../src/build/dockerfile/words.js';

const values: Record<string, string> = { a: 'one', empty: '', b: 'x y', path: '/usr/local/bin' };
const expansion = { escapeSign: '\\', valueOf: (name: string) => values[name] };

/** docs.docker.com/reference/dockerfile, "Environment replacement". */
describe('a word', () => {
  it.each([
    ['$a', 'one'],
    ['${a}b', 'oneb'],
    ['\\$a', '$a'],
    ["'$a'", '$a'],
    ['"$a b"', 'one b'],
    ['"\\"\\$a\\n"', '"$a\\n'],
    ['${none:-x}', 'x'],
    ['${empty:-x}', 'x'],
    ['${empty-x}', ''],
    ['${a:-x}', 'one'],
    ['${a:+x}', 'x'],
    ['${empty:+x}', ''],
    ['${empty+x}', 'x'],
    ['${none:-${a}}', 'one'],
    ["${none:-'}'}", '}'],
    ['$none', ''],
    ['$', '$'],
    ['a$', 'a$'],
    ['${path#*/}', 'usr/local/bin'],
    ['${path##*/}', 'bin'],
    ['${path%/*}', '/usr/local'],
    ['${path%%/l*}', '/usr'],
    ['${path/local/x}', '/usr/x/bin'],
    ['${path//\\//-}', '-usr-local-bin'],
  ])('%s is %s', (text, expected) => {
    expect(expandWord(text, expansion)).toBe(expected);
  });

  it.each([
    ['${a', 'bad substitution'],
    ['${a:-x', 'matching }'],
    ['"a', 'double-quote'],
    ["'a", 'single-quote'],
    ['${none:?is missing}', 'none: is missing'],
  ])('%s is refused', (text, message) => {
    expect(() => expandWord(text, expansion)).toThrow(message);
  });
});

describe('words', () => {
  it('are split where they are written, not where a variable has a space', () => {
    expect(expandWords('$b "c d"  e\\ f \'\' $none', expansion)).toEqual(['x y', 'c d', 'e f', '']);
  });
});
