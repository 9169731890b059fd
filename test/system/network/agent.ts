/** Calls one function of src/network/networks.ts in the network namespace that this process was put into: NAME, then arguments as JSON. */
import * as networks from '../../../src/network/networks.js';

const [name = '', ...words] = process.argv.slice(2);
const call = (networks as Record<string, unknown>)[name] as (...args: unknown[]) => Promise<unknown>;

call(...words.map((word) => JSON.parse(word) as unknown)).then(
  (answer) => process.stdout.write(JSON.stringify(answer ?? null)),
  (error: Error) => {
    process.stderr.write(error.message);
    process.exitCode = 1;
  },
);
