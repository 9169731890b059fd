/** How much and how fast bytes go to a container: over its bridge, and through a published port from outside. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../src/base/errors.js';
import { findProgram } from '../../src/base/find-program.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { median } from '../containers/cells.js';
import { ask, IMAGE, type MeasureEngine, make, of, roomEnvironment, tools } from './tools.js';

/** A second network namespace, on a cable with the room. */
const OUTSIDE = 'outside';
const ROOM = '10.199.0.1';
const IPERF_PORT = 5201;
const MOST_ROUNDS = 5;
const PINGS = 200;

interface Way {
  name: string;
  /** Words before a command that is to be run where the traffic comes from. */
  from: string[];
  address: string;
  port: number;
}

export const traffic: MeasureEngine = async (context) => {
  const { seed, sizes } = context;
  const iperf = findProgram('iperf3');
  if (!iperf) throw new VlabError('host', 'this part needs iperf3', { hint: 'apt-get install iperf3' });
  const outside = ['ip', 'netns', 'exec', OUTSIDE];
  ask(['ip', 'netns', 'add', OUTSIDE]);
  ask(['ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable-end', 'netns', OUTSIDE]);
  ask(['ip', 'addr', 'add', `${ROOM}/24`, 'dev', 'cable']);
  ask(['ip', 'link', 'set', 'cable', 'up']);
  ask([...outside, 'ip', 'addr', 'add', '10.199.0.2/24', 'dev', 'cable-end']);
  ask([...outside, 'ip', 'link', 'set', 'cable-end', 'up']);
  const host = spawn(iperf, ['-s'], { stdio: 'ignore', env: roomEnvironment() });
  const ways: Way[] = [
    { name: 'the host, loopback', from: [], address: '127.0.0.1', port: IPERF_PORT },
    { name: 'the host, from outside', from: outside, address: ROOM, port: IPERF_PORT },
  ];
  const containers = tools(context).map((runtime, index) => {
    const port = 15201 + index;
    const published = ['-p', `${ROOM}:${port}:${IPERF_PORT}`];
    const id = ask(of(runtime, ...make(runtime, 'run', '-d', '--network', 'bridge', ...published, IMAGE, iperf, '-s')));
    const format =
      runtime.name === 'podman'
        ? '{{.NetworkSettings.IPAddress}}'
        : '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const address = ask(of(runtime, 'inspect', '-f', format, id));
    ways.push(
      { name: `${runtime.name}, over the bridge`, from: [], address, port: IPERF_PORT },
      { name: `${runtime.name}, published port from outside`, from: outside, address: ROOM, port },
    );
    return { runtime, id };
  });
  const rates = new Map(ways.map(({ name }) => [name, [] as number[]]));
  const times = new Map(ways.map(({ name }) => [name, [] as number[]]));
  try {
    await sleep(300); // servers listen
    const random = seededRandom(seed, 'traffic');
    const rounds = Math.min(MOST_ROUNDS, sizes.rounds);
    for (let round = 0; round < rounds; round++) {
      for (const way of shuffle(ways, random)) {
        rates.get(way.name)?.push(bitsPerSecond(iperf, way, sizes.trafficSeconds));
        if (!way.name.includes('published')) times.get(way.name)?.push(roundTripMs(way));
      }
    }
  } finally {
    host.kill('SIGKILL');
    for (const { runtime, id } of containers)
      ask(of(runtime, 'rm', '-f', ...(runtime.name === 'podman' ? ['-t', '0'] : []), id));
    ask(['ip', 'netns', 'delete', OUTSIDE]);
  }
  const rate = (name: string) => median(rates.get(name) ?? []);
  const loopback = rate('the host, loopback');
  return {
    title: 'Traffic',
    how: `iperf3 with one TCP stream, ${sizes.trafficSeconds} s each, and ${PINGS} echo requests (none to a published port: it takes no echo); medians of ${rates.get('the host, loopback')?.length} rounds in random order. Outside is another network namespace on a veth pair. Everything shares this machine's CPUs.`,
    head: ['to', 'Gbit/s', 'of loopback', 'round trip'],
    rows: ways.map(({ name }) => {
      const trips = times.get(name) ?? [];
      return [
        ...[name, (rate(name) / 1e9).toFixed(2), `${((100 * rate(name)) / loopback).toFixed(0)} %`],
        trips.length > 0 ? `${(1000 * median(trips)).toFixed(0)} µs` : '',
      ];
    }),
    values: { bitsPerSecond: Object.fromEntries(rates), roundTripMs: Object.fromEntries(times) },
    promises: [],
  };
};

function bitsPerSecond(iperf: string, { from, address, port }: Way, seconds: number): number {
  const said = ask([...from, iperf, '-c', address, '-p', String(port), '-t', String(seconds), '-J']);
  const { end } = JSON.parse(said) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second;
}

/** The mean, as ping(8) of busybox has it. */
function roundTripMs({ from, address }: Way): number {
  const said = ask([...from, 'busybox', 'ping', '-q', '-c', String(PINGS), '-i', '0.002', address]);
  return Number(/min\/avg\/max = [\d.]+\/([\d.]+)\//.exec(said)?.[1]);
}
