/** Words of images, containers and registries that go to a person's terminal. Pure. */

/** C0 and C1 controls, DEL, and what turns or hides text: separators, bidirectional marks, zero-width signs. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** `text` with what could move a cursor, change a title or turn the line written out: `\x1b[2J`. Tabs and line ends too. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return NAMED[sign] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** As `printable`, but line ends and tabs stay: for text of several lines. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
