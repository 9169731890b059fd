import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient, QmpError } from '../../../src/vm/qmp.js';
import { duplexPair } from './duplex-pair.js';

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}\r\n';

interface Request {
  execute?: string;
  'exec-oob'?: string;
  id: string;
  arguments?: unknown;
}

/** A server that is scripted, request by request. */
function fakeServer(answer: (request: Request, send: (text: string) => void, end: () => void) => void) {
  const [client, server] = duplexPair();
  const requests: Request[] = [];
  const send = (text: string) => server.write(text);
  let pending = '';
  server.on('data', (chunk: Buffer) => {
    pending += chunk.toString();
    for (let at = pending.indexOf('\n'); at >= 0; at = pending.indexOf('\n')) {
      const request = JSON.parse(pending.slice(0, at)) as Request;
      pending = pending.slice(at + 1);
      requests.push(request);
      if (request.execute === 'qmp_capabilities') send(`{"return": {}, "id": "${request.id}"}\r\n`);
      else answer(request, send, () => server.destroy());
    }
  });
  return { client, server, send, requests };
}

const opened: QmpClient[] = [];
async function connected(...parameters: Parameters<typeof fakeServer>) {
  const fake = fakeServer(...parameters);
  fake.send(GREETING);
  const qmp = await QmpClient.negotiate(fake.client, { deadlineMs: 500 });
  opened.push(qmp);
  return { ...fake, qmp };
}
afterEach(async () => {
  for (const qmp of opened.splice(0)) await qmp[Symbol.asyncDispose]();
});

const silent = () => {};

describe('QmpClient', () => {
  it('negotiates and tells the version', async () => {
    const { qmp, requests } = await connected(silent);
    expect(qmp.greeting).toEqual({ version: '7.2.22', capabilities: ['oob'] });
    expect(requests[0]).toMatchObject({ execute: 'qmp_capabilities', arguments: { enable: [] } });
  });

  it('enables out-of-band commands only when asked to', async () => {
    const fake = fakeServer(silent);
    fake.send(GREETING);
    opened.push(await QmpClient.negotiate(fake.client, { oob: true }));
    expect(fake.requests[0]).toMatchObject({ arguments: { enable: ['oob'] } });
  });

  it('matches answers to commands by id, in whatever order they come', async () => {
    const held: string[] = [];
    const { qmp } = await connected((request, send) => {
      held.push(`{"return": "${request.execute}", "id": "${request.id}"}\n`);
      if (held.length === 2) for (const line of held.reverse()) send(line);
    });
    expect(await Promise.all([qmp.execute('first'), qmp.execute('second')])).toEqual(['first', 'second']);
  });

  it('sends arguments, and exec-oob for out-of-band commands', async () => {
    const { qmp, requests } = await connected(({ id }, send) => send(`{"return": {}, "id": "${id}"}\n`));
    await qmp.execute('device_del', { id: 'disk' });
    await qmp.execute('yank', undefined, { outOfBand: true });
    expect(requests.slice(1)).toMatchObject([
      { execute: 'device_del', arguments: { id: 'disk' } },
      { 'exec-oob': 'yank' },
    ]);
  });

  it('reads messages that arrive in pieces, and several at once', async () => {
    const { qmp } = await connected(({ id }, send) => {
      const line = `{"return": "é", "id": "${id}"}\n{"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}\n`;
      for (const byte of Buffer.from(line)) send(Buffer.from([byte]) as unknown as string);
    });
    const event = qmp.nextEvent('RESUME', { deadlineMs: 500 });
    expect(await qmp.execute('query')).toBe('é');
    expect(await event).toEqual({ event: 'RESUME', data: {}, timestampNs: 1_000_002_000n });
  });

  it('throws what QEMU refused, with its class', async () => {
    const { qmp } = await connected(({ id }, send) =>
      send(`{"error": {"class": "CommandNotFound", "desc": "no such thing"}, "id": "${id}"}\n`),
    );
    const error = await qmp.execute('nonsense').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({ command: 'nonsense', errorClass: 'CommandNotFound', blame: 'operation' });
  });

  it('gives up at the deadline, and drops the answer that comes later', async () => {
    let late = () => {};
    const { qmp } = await connected(({ id, execute }, send) => {
      if (execute === 'slow') late = () => send(`{"return": 1, "id": "${id}"}\n`);
      else send(`{"return": 2, "id": "${id}"}\n`);
    });
    await expect(qmp.execute('slow', undefined, { deadlineMs: 20 })).rejects.toThrow(
      'the answer to slow did not come within 20 ms',
    );
    late();
    expect(await qmp.execute('quick')).toBe(2);
  });

  it('gives up when nobody greets', async () => {
    const { client } = fakeServer(silent);
    await expect(QmpClient.negotiate(client, { deadlineMs: 20 })).rejects.toThrow(
      'the greeting of QEMU did not come within 20 ms',
    );
    expect(client.destroyed).toBe(true);
  });

  it('rejects all that wait when the socket dies in the middle of an answer, and all that ask later', async () => {
    const { qmp } = await connected(({ id }, send, end) => {
      send(`{"return": {"status": "run`);
      send(id);
      end();
    });
    const event = qmp.nextEvent('SHUTDOWN');
    event.catch(() => {});
    await expect(qmp.execute('query-status')).rejects.toThrow(/connection ended.*while query-status was pending/);
    await expect(event).rejects.toThrow(/while the event SHUTDOWN was pending/);
    await expect(qmp.execute('again')).rejects.toThrow('the QMP connection ended');
  });

  it.each([
    ['what is not JSON', 'qemu: hello\n'],
    ['JSON that is no object', '[1, 2]\n'],
    ['an object that is no message', '{"hello": 1}\n'],
    ['an error without an id', '{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n'],
  ])('refuses %s', async (_what, line) => {
    const { qmp } = await connected((_request, send) => send(line));
    await expect(qmp.execute('query-status')).rejects.toThrow(/QMP: this is no message of the protocol/);
  });

  it('refuses a line without end', async () => {
    const { qmp } = await connected((_request, send) => {
      for (let i = 0; i < 20; i++) send('x'.repeat(1 << 20));
    });
    await expect(qmp.execute('query')).rejects.toThrow(/a line of more than/);
  });

  it('tells listeners of events until they stop listening', async () => {
    const { qmp, send } = await connected(({ id }, answer) => answer(`{"return": {}, "id": "${id}"}\n`));
    const seen: unknown[] = [];
    const stop = qmp.onEvent(({ event, data }) => seen.push([event, data]));
    send(
      '{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}, "timestamp": {"seconds": 0, "microseconds": 0}}\n',
    );
    await qmp.execute('a');
    stop();
    send('{"event": "STOP", "timestamp": {"seconds": 0, "microseconds": 0}}\n');
    await qmp.execute('b');
    expect(seen).toEqual([['SHUTDOWN', { guest: true, reason: 'guest-shutdown' }]]);
  });
});
