/** Many containers with a network are started at once: until all of them answer. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../src/base/errors.js';
import { askedLine } from '../../src/cli/prepare-container.js';
import { createContainer } from '../../src/engine/life/create-container.js';
import { startContainer } from '../../src/engine/life/start-container.js';
import { openImageStore } from '../../src/image/store/image-store.js';
import type { Runtime } from '../containers/runtimes.js';
import { ask, IMAGE, type MeasureEngine, make, of, roomEnvironment, tools } from './tools.js';

const PORT = 80;
const SERVER = ['httpd', '-f', '-p', String(PORT)];
const ANSWER_MS = 10_000;

export const manyAtOnce: MeasureEngine = async (context) => {
  const { sizes, vlab, say } = context;
  const rows: string[][] = [];
  const values: Record<string, object> = {};
  const measure = async (name: string, runtime: Runtime, startAll: () => Promise<string[]>) => {
    const began = performance.now();
    const ids = await startAll();
    const runMs = performance.now() - began;
    const addresses = addressesOf(runtime, ids);
    const answered = await Promise.all(addresses.map((address) => answers(address)));
    const distinct = new Set(addresses.filter(Boolean)).size;
    const reachable = answered.filter(Boolean).length;
    const removeBegan = performance.now();
    ask(of(runtime, 'rm', '-f', ...(runtime.name === 'podman' ? ['-t', '0'] : []), ...ids)); // at once, as docker's
    const removeMs = performance.now() - removeBegan;
    values[name] = { runMs, removeMs, distinct, reachable };
    rows.push([
      ...[name, `${(runMs / 1000).toFixed(2)} s`, `${(runMs / sizes.atOnce).toFixed(1)} ms`],
      ...[String(distinct), String(reachable), `${(removeMs / 1000).toFixed(2)} s`],
    ]);
    say(`at once: ${name}`);
    if (distinct !== sizes.atOnce || reachable !== sizes.atOnce) {
      throw new VlabError('operation', `${name}: ${distinct} addresses and ${reachable} answers of ${sizes.atOnce}`);
    }
  };
  const store = await openImageStore();
  const image = await store.get(IMAGE);
  await measure('vlab, one warm process', vlab, () =>
    Promise.all(
      Array.from({ length: sizes.atOnce }, async () => {
        const { asked } = askedLine({ network: ['bridge'] }, [IMAGE, ...SERVER]);
        const { record } = await createContainer({
          asked,
          root: { kind: 'image', image, asked: IMAGE, blobs: store.blobs },
        });
        await startContainer(record.id);
        return record.id;
      }),
    ),
  );
  for (const runtime of tools(context)) {
    const words = of(runtime, ...make(runtime, 'run', '-d', '--network', 'bridge', IMAGE, ...SERVER));
    await measure(`${runtime.name} run -d, as many commands`, runtime, () =>
      Promise.all(Array.from({ length: sizes.atOnce }, () => saidBy(words))),
    );
  }
  return {
    title: `${sizes.atOnce} containers with a network at once`,
    how: `On the bridge network, each with a web server; once each, in this order. All addresses are distinct and all servers answer, or the bench fails. The last column: \`rm -f\` of all in one command.`,
    head: ['what', 'until all run', 'for each', 'distinct addresses', 'reachable', 'all removed in'],
    rows,
    values,
    promises: [],
  };
};

function addressesOf(runtime: Runtime, ids: readonly string[]): string[] {
  const format =
    runtime.name === 'podman'
      ? '{{.NetworkSettings.IPAddress}}'
      : '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  return ask(of(runtime, 'inspect', '-f', format, ...ids)).split('\n');
}

/** Standard output of a command that runs beside others. */
async function saidBy([program = '', ...words]: string[]): Promise<string> {
  const child = spawn(program, words, { env: roomEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new VlabError('operation', `${program} ${words.join(' ')} failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** Somebody accepts a connection there, within ten seconds. */
async function answers(host: string): Promise<boolean> {
  for (const end = Date.now() + ANSWER_MS; Date.now() < end; await sleep(20)) {
    const socket = connect({ host, port: PORT });
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isThere) return true;
  }
  return false;
}
