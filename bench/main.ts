/** What scripts/bench.mjs starts: `start`, `containers`, `engine`, `steps` or `micro`, then their flags. */
import { messageOf, VlabError } from '../src/base/errors.js';

const BENCHES: Record<string, () => Promise<(words: string[]) => Promise<void>>> = {
  start: async () => (await import('./start.js')).startBench,
  containers: async () => (await import('./containers.js')).containersBench,
  engine: async () => (await import('./engine.js')).engineBench,
  steps: async () => (await import('./steps.js')).stepsBench,
  micro: async () => (await import('./micro.js')).microBench,
};

const [name = '', ...words] = process.argv.slice(2);
try {
  const bench = await BENCHES[name]?.();
  if (!bench)
    throw new VlabError('input', `there is no bench ${name}`, { hint: `benches: ${Object.keys(BENCHES).join(', ')}` });
  await bench(words);
  process.exit(); // an idle connection to the launcher must not hold it
} catch (error) {
  if (!(error instanceof VlabError)) throw error;
  process.stderr.write(`error: ${messageOf(error)}\n${error.hint ? `hint: ${error.hint}\n` : ''}`);
  process.exit(error.exitCode);
}
