/** QEMU's command line as people read it: one option a line with its reason. Pure. */
import type { ArgvPart } from './argv.js';
import type { KernelWord } from './command-line.js';

const COLUMNS = 76;

/** A bash array, because only there a comment may stand between the words of one command. */
export function showArgv(
  qemu: string,
  parts: readonly ArgvPart[],
  words: readonly KernelWord[],
  acceleratorReason: string,
): string {
  const lines = parts.map(({ words: option, why }) => {
    const text = `  ${option.map(quote).join(' ')}`;
    const reason = option[0] === '-accel' ? `${why}; ${acceleratorReason}` : why;
    return text.length <= COLUMNS
      ? `${text.padEnd(COLUMNS)}  # ${reason}`
      : `${text}\n${' '.repeat(COLUMNS)}  # ${reason}`;
  });
  const kernel = words.map(({ word, why }) => `#   ${word.padEnd(COLUMNS - 4)}  ${why}`);
  return [
    'argv=(',
    ...lines,
    ')',
    `${quote(qemu)} "\${argv[@]}"`,
    '',
    "# The kernel's command line, word by word:",
    ...kernel,
    '# Descriptors named above are inherited from vlab; the initramfs is made for each start and removed after it.',
    '',
  ].join('\n');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
