// `npm run bench` (start), `npm run bench:containers` (containers), `npm run bench:engine` (engine),
// `npm run bench:steps` (steps), `npm run bench:micro` (micro).
// Words behind `--` are the bench's: npm run bench -- --blocks 20 --only floor,launcher --no-write
import { runBundled } from './run-bundled.mjs';

// Measured children must not pay for what this environment puts on every Node start; nor should the bench itself.
const { NODE_EXTRA_CA_CERTS: _scrubbed, ...environment } = process.env;

await runBundled('bench', environment);
