/** What docs/engines.md tells people to write into a file: the tests do the same. */
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
