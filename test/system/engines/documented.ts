/** What docs/engines.md tells people to write into a file, or to type: the tests do the same. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PAGE = resolve(import.meta.dirname, '../../../docs/engines.md');

/** The block that follows the line with nothing but the file's name, in backquotes. */
export function documentedFile(path: string): string {
  const text = readFileSync(PAGE, 'utf8');
  const at = text.indexOf(`\n\`${path}\`\n`);
  const block = at < 0 ? null : /```\w*\n(.*?)```/s.exec(text.slice(at));
  if (!block?.[1]) throw new Error(`docs/engines.md has no file ${path}`);
  return block[1];
}

/** The words of the line of a block that begins so, up to its comment. */
export function documentedCommand(beginning: string): string[] {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/```\w*\n(.*?)```/gs)].map(([, block = '']) => block);
  const line = blocks.flatMap((block) => block.split('\n')).find((text) => text.startsWith(`${beginning} `));
  if (!line) throw new Error(`docs/engines.md has no command ${beginning}`);
  return line.replace(/\s+#.*/, '').split(/\s+/);
}
