/** Asks a person before something is removed. */
import { createInterface } from 'node:readline/promises';

/** False: the answer is not yes, or nobody is there to give one. As docker asks: on standard output, `y` or `yes` in any case. */
export async function confirm(warning: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin });
  try {
    process.stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
    const { value = '' } = await lines[Symbol.asyncIterator]().next();
    return /^y(es)?$/i.test(String(value).trim());
  } finally {
    lines.close();
  }
}
