// `npm run conformance`: the runtime conformance suite on vlab-oci, runc and crun side by side; prints the table. Words behind
// `--` are the suite's: npm run conformance -- --runtime vlab-oci --only 'config.md#root' | --write (docs/conformance.md)
import { runBundled } from './run-bundled.mjs';

await runBundled('test/conformance/oci');
