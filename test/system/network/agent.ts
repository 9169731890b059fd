/** Calls one function of src/network/networks.ts, or reads the state, in the network namespace that this process was put into: NAME, then arguments as JSON. */

import * as connecting from '../../../src/network/connect.js';
import { readNetworkState } from '../../../src/network/network-state.js';
import * as networks from '../../../src/network/networks.js';
import { connectRootless } from '../../../src/network/rootless.js';

const [name = '', ...words] = process.argv.slice(2);
const calls: Record<string, unknown> = {
  ...networks,
  ...connecting,
  connectRootless,
  pruneNetworksAll: () => networks.pruneNetworks(() => true),
  currentState: async () => readNetworkState(),
  trafficList: async (leases: never) => [...(await connecting.trafficOf(leases))],
};
const call = calls[name] as (...args: unknown[]) => Promise<unknown>;

call(...words.map((word) => JSON.parse(word) as unknown)).then(
  (answer) => process.stdout.write(JSON.stringify(answer ?? null)),
  (error: Error) => {
    process.stderr.write(error.message);
    process.exitCode = 1;
  },
);
