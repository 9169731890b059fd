import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/image/descriptor.js';
import { fromFirst, inParallel } from '../../../src/image/registry/mirrors.js';
import { pullBlob, pullManifest, resolveManifest } from '../../../src/image/registry/pull.js';
import type { Repository } from '../../../src/image/registry/repository.js';
import { cut, type Fault, FaultRegistry, MemoryTarget } from './fault-registry.js';

const BYTES = randomBytes(300_000);
let server: FaultRegistry;
let from: Repository;
let blob: Descriptor;

beforeEach(async () => {
  server = await FaultRegistry.start();
  from = server.repository();
  blob = server.addBlob(BYTES);
});
afterEach(async () => {
  await from[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** The fault for the first `times` requests whose path has `part`, then none. */
function firstTimes(times: number, part: string, fault: Fault): Fault {
  let left = times;
  return (asked, response) => asked.path.includes(part) && left-- > 0 && fault(asked, response);
}

function addManifest(text: string, tag = 'latest'): void {
  server.manifests.set(tag, { type: 'application/vnd.oci.image.manifest.v1+json', bytes: Buffer.from(text) });
}

it('a manifest comes by tag and by digest, with its type and digest', async () => {
  addManifest('{"schemaVersion":2}');
  const manifest = await pullManifest(from, 'latest');
  expect(manifest.descriptor).toMatchObject({ mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 19 });
  expect(await resolveManifest(from, 'latest')).toEqual(manifest.descriptor);
  expect(await resolveManifest(from, 'other')).toBeUndefined();
  expect(server.asked[0]?.headers.accept).toContain('manifest.list.v2+json');
});

it('a refusal says what was asked of whom, and no escape sequence', async () => {
  await expect(pullManifest(from, 'nothing')).rejects.toMatchObject({
    blame: 'input',
    status: 404,
    code: 'MANIFEST_UNKNOWN',
    message: `GET http://${server.host}/v2/some/image/manifests/nothing was answered with 404: MANIFEST_UNKNOWN: no such ?[31mthing`,
  });
});

it('a manifest with another digest than asked for, or than the registry says, is refused', async () => {
  const wanted = `sha256:${'0'.repeat(64)}`;
  addManifest('{}', wanted);
  server.fault = (_, response) => {
    response.writeHead(200, { 'docker-content-digest': wanted }).end('{}');
    return true;
  };
  await expect(pullManifest(from, wanted)).rejects.toThrow(/has the digest sha256:44136f/);
  await expect(pullManifest(from, 'latest')).rejects.toThrow(/has the digest sha256:44136f/);
});

it('a manifest without end is left after 4 MiB, whether it says its length or not', async () => {
  server.fault = (_, response) => {
    response.writeHead(200, { 'content-length': 1e12 }).write('{');
    return true;
  };
  await expect(pullManifest(from, 'latest')).rejects.toThrow(/more than 4194304 bytes/);
  let sent = 0;
  server.fault = (_, response) => {
    const more = (): void => {
      if (response.destroyed) return;
      sent += 65536;
      response.write(Buffer.alloc(65536), () => setImmediate(more));
    };
    response.writeHead(200);
    more();
    return true;
  };
  await expect(pullManifest(from, 'latest')).rejects.toThrow(/more than 4194304 bytes/);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

it('a blob comes whole, with its progress', async () => {
  const target = new MemoryTarget(blob);
  const seen: number[] = [];
  await pullBlob(from, blob, target, { progress: (_, done, all) => seen.push(done / all) });
  expect([target.whole, seen[0], seen.at(-1)]).toEqual([true, 0, 1]);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

it('after cut connections it goes on where it was', async () => {
  server.fault = firstTimes(6, '/blobs/', ({ headers }, response) => {
    const at = Number(/\d+/.exec(headers.range ?? '0')?.[0]);
    const range = at > 0 ? { 'content-range': `bytes ${at}-${BYTES.length - 1}/${BYTES.length}` } : {};
    return cut(response, at > 0 ? 206 : 200, range, BYTES.subarray(at, at + 40_000));
  });
  const target = new MemoryTarget(blob);
  await pullBlob(from, blob, target);
  expect([target.whole, target.restarts]).toEqual([true, 0]);
  expect(server.asked.slice(1).map(({ headers }) => headers.range)).toContain(`bytes=40000-${BYTES.length - 1}`);
});

it('an interrupted transfer of before goes on; where the server ignores Range it begins anew', async () => {
  const resumed = new MemoryTarget(blob, BYTES.subarray(0, 1000));
  await pullBlob(from, blob, resumed);
  expect([resumed.whole, resumed.restarts, server.asked[0]?.headers.range]).toEqual([true, 0, 'bytes=1000-299999']);
  for (const status of [200, 416]) {
    server.fault = firstTimes(1, '/blobs/', (_, response) => {
      response.writeHead(status).end(status === 200 ? BYTES : undefined);
      return true;
    });
    const target = new MemoryTarget(blob, BYTES.subarray(0, 1000));
    await pullBlob(from, blob, target);
    expect([target.whole, target.restarts]).toEqual([true, 1]);
  }
});

it('a server that cuts every answer at the same byte is left', async () => {
  server.fault = (_, response) => cut(response, 200, {}, BYTES.subarray(0, 500));
  await expect(pullBlob(from, blob, new MemoryTarget(blob))).rejects.toMatchObject({ name: 'ConnectionError' });
  expect(server.asked.length).toBeLessThanOrEqual(6);
});

it.each([
  ['a longer length', { 'content-length': 300_001 }, Buffer.alloc(0), /has 300001 bytes, and it should be 300000/],
  ['a shorter length', { 'content-length': 10 }, BYTES.subarray(0, 10), /has 10 bytes/],
  ['more bytes than it should', {}, Buffer.concat([BYTES, BYTES]), /more than the 300000 bytes/],
  ['other bytes', {}, Buffer.alloc(300_000), /wrong digest/],
])('a blob with %s is refused', async (_, headers, body, message) => {
  server.fault = (_asked, response) => {
    response.writeHead(200, headers).end(body);
    return true;
  };
  const target = new MemoryTarget(blob);
  await expect(pullBlob(from, blob, target)).rejects.toThrow(message);
  expect([target.whole, server.asked.length]).toEqual([false, 1]);
});

it('429 and 5xx are waited for, as long as Retry-After says, and not for ever', async () => {
  const times = [429, 503, 500];
  const at: number[] = [];
  server.fault = (_, response) => {
    at.push(Date.now());
    const status = times.shift();
    if (status) response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end();
    return status !== undefined;
  };
  const patient = server.repository('some/image', { retry: { attempts: 4, firstMs: 4, mostMs: 1_500 } });
  await pullBlob(patient, blob, new MemoryTarget(blob));
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990);
  expect(at).toHaveLength(4);
  times.push(...Array(20).fill(503));
  await expect(pullBlob(patient, blob, new MemoryTarget(blob))).rejects.toMatchObject({
    status: 503,
    blame: 'operation',
  });
  expect(at).toHaveLength(8);
  await patient[Symbol.asyncDispose]();
});

it('an abort ends a transfer, and a wait, at once', async () => {
  server.fault = (_, response) => {
    response.writeHead(200).write(BYTES.subarray(0, 10));
    return true;
  };
  const started = Date.now();
  await expect(pullBlob(from, blob, new MemoryTarget(blob), { signal: AbortSignal.timeout(50) })).rejects.toMatchObject(
    { name: 'TimeoutError' },
  );
  server.fault = (_, response) => {
    response.writeHead(503, { 'retry-after': '60' }).end();
    return true;
  };
  const slow = server.repository('some/image', { retry: { attempts: 3, firstMs: 60_000, mostMs: 60_000 } });
  await expect(pullManifest(slow, 'latest', AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(Date.now() - started).toBeLessThan(1_500);
  await slow[Symbol.asyncDispose]();
});

it('mirrors are asked in their order and the registry last; a failure names them all', async () => {
  await using mirror = await FaultRegistry.start();
  await using source = mirror.repository();
  const target = new MemoryTarget(blob);
  await fromFirst([source, from], (one) => pullBlob(one, blob, target));
  expect([target.whole, mirror.asked.length, server.asked.length]).toEqual([true, 1, 1]);
  await expect(fromFirst([source, from], (one) => pullManifest(one, 'x'))).rejects.toThrow(
    new RegExp(`${server.host}.*404.*and before, ${mirror.host}.*404`),
  );
});

it('blobs come at once, but no more than was allowed; the first failure ends the others', async () => {
  let [running, most] = [0, 0];
  const blobs = Array.from({ length: 12 }, () => server.addBlob(randomBytes(20_000)));
  const targets = blobs.map((one) => new MemoryTarget(one));
  await inParallel(targets, 3, async (target, signal) => {
    most = Math.max(most, ++running);
    await pullBlob(from, target.blob, target, { signal });
    running -= 1;
  });
  expect([targets.every(({ whole }) => whole), most]).toEqual([true, 3]);
  const begun: number[] = [];
  const work = inParallel([0, 1, 2, 3, 4], 2, async (item, signal) => {
    begun.push(item);
    if (item === 1) throw new Error('one failed');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  });
  await expect(work).rejects.toThrow('one failed');
  expect(begun).toEqual([0, 1]);
});
