import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Descriptor, Digest } from '../../../src/image/descriptor.js';
import { removeBlob, removeManifest, tagsOf } from '../../../src/image/registry/listing.js';
import { pushBlob, pushManifest } from '../../../src/image/registry/push.js';
import { keepReferrer, referrersOf } from '../../../src/image/registry/referrers.js';
import type { Repository } from '../../../src/image/registry/repository.js';
import { blobOf, type Fault, FaultRegistry, opener, sha256 } from './fault-registry.js';

const BYTES = randomBytes(100_000);
const BLOB = blobOf(BYTES);
const INDEX = 'application/vnd.oci.image.index.v1+json';
let server: FaultRegistry;
let to: Repository;

beforeEach(async () => {
  server = await FaultRegistry.start();
  to = server.repository();
});
afterEach(async () => {
  await to[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const methods = () => server.asked.map(({ method }) => method);
const fromServer = () => server.blobs.get(BLOB.digest)?.equals(BYTES);

/** The fault for the request by `method` with this number (from 1), and for no other. */
function nth(method: string, number: number, fault: Fault): Fault {
  let seen = 0;
  return (asked, response) => asked.method === method && ++seen === number && fault(asked, response);
}

it('a blob goes in one request, and is not sent again', async () => {
  const seen: number[] = [];
  const progress = (_: Descriptor, done: number) => seen.push(done);
  expect(await pushBlob(to, BLOB, opener(BYTES), { progress })).toBe('sent');
  expect([methods(), fromServer(), seen]).toEqual([['HEAD', 'POST', 'PUT'], true, [0, 100_000]]);
  expect(server.asked.at(-1)?.headers['content-length']).toBe('100000');
  expect(await pushBlob(to, BLOB, opener(BYTES))).toBe('present');
  expect(methods()).toHaveLength(4);
});

it('a blob that another repository has is taken over from there; one that it has not is sent', async () => {
  server.fault = nth('HEAD', 1, (_, response) => {
    response.writeHead(404).end();
    return true;
  });
  server.addBlob(BYTES);
  expect(await pushBlob(to, BLOB, opener(BYTES), { mountFrom: 'other/image' })).toBe('mounted');
  expect(server.asked[1]?.path).toContain('from=other%2Fimage');
  server.blobs.clear();
  expect(await pushBlob(to, BLOB, opener(BYTES), { mountFrom: 'other/image' })).toBe('sent');
});

it('a large blob goes in pieces, each where the answer before said', async () => {
  const seen: number[] = [];
  const progress = (_: Descriptor, done: number) => seen.push(done);
  expect(await pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 30_000, progress })).toBe('sent');
  expect([methods().slice(2), fromServer()]).toEqual([['PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT'], true]);
  expect(server.asked[5]?.headers['content-range']).toBe('90000-99999');
  expect(server.asked[5]?.path).toContain('state=90000');
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

it('after a cut piece it asks how far the registry came, and goes on there', async () => {
  server.fault = nth('PATCH', 2, ({ path, body }, response) => {
    const id = path.split('/').at(-1)?.split('?')[0] ?? '';
    server.uploads.set(id, Buffer.concat([server.uploads.get(id) ?? Buffer.alloc(0), body.subarray(0, 5_000)]));
    response.destroy();
    return true;
  });
  await pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 30_000 });
  expect(fromServer()).toBe(true);
  expect(server.asked.map(({ headers }) => headers['content-range'])).toContain('35000-64999');
});

it('a piece that the registry wants elsewhere (416) is sent there', async () => {
  server.fault = nth('PATCH', 2, (_, response) => {
    response.writeHead(416).end();
    return true;
  });
  await pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 40_000 });
  expect([fromServer(), server.count('GET', 'uploads')]).toEqual([true, 1]);
});

it('an upload that the registry forgot is begun anew, and not for ever', async () => {
  let pieces = 0;
  let forgets = 1;
  server.fault = ({ method, path }, response) => {
    if (method === 'PATCH' && ++pieces % 3 === 0 && forgets > 0) {
      forgets -= 1;
      server.uploads.clear();
      response.destroy();
      return true;
    }
    if (method === 'GET' && path.includes('uploads')) response.writeHead(404).end();
    return method === 'GET' && path.includes('uploads');
  };
  await pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 30_000 });
  expect([fromServer(), pieces]).toEqual([true, 3 + 4]);
  server.blobs.clear();
  [pieces, forgets] = [0, 100];
  await expect(pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 30_000 })).rejects.toMatchObject({
    name: 'ConnectionError',
  });
  expect(pieces).toBe(4 * 3);
});

it('what is lost in one request is begun anew; what is made but not answered is found', async () => {
  server.fault = nth('PUT', 1, (_, response) => {
    response.destroy();
    return true;
  });
  await pushBlob(to, BLOB, opener(BYTES));
  expect([methods(), fromServer()]).toEqual([['HEAD', 'POST', 'PUT', 'HEAD', 'POST', 'PUT'], true]);
  server.blobs.clear();
  server.asked.length = 0;
  server.fault = nth('PUT', 1, ({ body }, response) => {
    server.addBlob(body);
    response.writeHead(502).end();
    return true;
  });
  await pushBlob(to, BLOB, opener(BYTES));
  expect(methods()).toEqual(['HEAD', 'POST', 'PUT', 'HEAD']);
});

it('a push that cannot succeed ends, and takes its upload away', async () => {
  server.fault = ({ method }, response) => {
    if (method === 'PATCH') response.writeHead(503).end();
    return method === 'PATCH';
  };
  await expect(pushBlob(to, BLOB, opener(BYTES), { chunkBytes: 40_000 })).rejects.toMatchObject({ status: 503 });
  expect([server.count('PATCH', ''), methods().at(-1)]).toEqual([4, 'DELETE']);
  server.fault = () => false;
  await expect(pushBlob(to, BLOB, opener(BYTES.subarray(0, 10)))).rejects.toThrow(/shorter than 100000 bytes/);
});

it('an upload at another host gets no credentials; one at a file is refused', async () => {
  await using other = await FaultRegistry.start();
  let location = `http://${other.host}/v2/some/image/blobs/uploads/abc`;
  server.fault = ({ method, headers }, response) => {
    if (headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      return true;
    }
    if (method === 'POST') response.writeHead(202, { location }).end();
    return method === 'POST';
  };
  const find = async () => ({ kind: 'password', username: 'me', password: 'secret' }) as const;
  await using known = server.repository('some/image', { find });
  await pushBlob(known, BLOB, opener(BYTES));
  expect(other.asked.map(({ method, headers }) => [method, headers.authorization])).toEqual([['PUT', undefined]]);
  location = 'file:///tmp/x';
  await expect(pushBlob(known, BLOB, opener(BYTES))).rejects.toThrow(/scheme file:/);
});

it('a manifest is stored, and one that became another is refused', async () => {
  const manifest = { mediaType: INDEX, bytes: Buffer.from('{"schemaVersion":2}') };
  const pushed = await pushManifest(to, 'v1', manifest);
  expect(pushed).toEqual({ digest: sha256(manifest.bytes), keepsReferrers: false });
  expect(server.manifests.get('v1')).toEqual({ type: INDEX, bytes: manifest.bytes });
  server.fault = (_, response) => {
    response.writeHead(201, { 'docker-content-digest': sha256(Buffer.from('else')) }).end();
    return true;
  };
  await expect(pushManifest(to, 'v1', manifest)).rejects.toThrow(/was stored as sha256:/);
});

it('tags come page by page; pages in a circle, elsewhere or of another shape are refused', async () => {
  let pages = new Map([
    ['/v2/some/image/tags/list?n=1000', ['{"tags":["a","b"]}', '</v2/some/image/tags/list?last=b>; rel="next"']],
    ['/v2/some/image/tags/list?last=b', ['{"tags":["c"]}', '']],
  ]);
  server.fault = ({ path }, response) => {
    const [body = '', link = ''] = pages.get(path) ?? [];
    response.writeHead(200, link ? { link } : {}).end(body);
    return true;
  };
  expect(await tagsOf(to)).toEqual(['a', 'b', 'c']);
  const first = '/v2/some/image/tags/list?n=1000';
  pages = new Map([[first, ['{"tags":[]}', `<${first}>; rel="next"`]]]);
  await expect(tagsOf(to)).rejects.toThrow(/more than 1000 pages/);
  pages = new Map([[first, ['{"tags":[]}', '<http://127.0.0.1:1/>; rel="next"']]]);
  await expect(tagsOf(to)).rejects.toThrow(/goes on at another server/);
  pages = new Map([[first, ['{"tags":null}', '']]]);
  expect(await tagsOf(to)).toEqual([]);
  pages = new Map([[first, ['{"tags":[7]}', '']]]);
  await expect(tagsOf(to)).rejects.toThrow(/something else than a list/);
});

it('referrers are those that the registry says, by type; without such a registry those under the tag', async () => {
  const subject: Digest = `sha256:${'a'.repeat(64)}`;
  const [sbom, signature] = ['sbom', 'signature'].map((artifactType) => ({
    ...blobOf(Buffer.from(artifactType)),
    artifactType,
  }));
  if (!sbom || !signature) throw new Error('two were made');
  expect(await referrersOf(to, subject)).toEqual([]);
  await keepReferrer(to, subject, sbom);
  await keepReferrer(to, subject, signature);
  await keepReferrer(to, subject, sbom);
  expect(await referrersOf(to, subject)).toEqual([sbom, signature]);
  expect([...server.manifests.keys()]).toContain(`sha256-${'a'.repeat(64)}`);
  server.fault = ({ path }, response) => {
    if (path.includes('/referrers/')) response.end(JSON.stringify({ manifests: [signature, sbom] }));
    return path.includes('/referrers/');
  };
  expect(await referrersOf(to, subject, 'sbom')).toEqual([sbom]);
});

it('what is removed is asked for by its name, and a registry that refuses is quoted', async () => {
  const asked: string[] = [];
  server.fault = ({ method, path }, response) => {
    asked.push(`${method} ${path}`);
    const refused = '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}';
    response.writeHead(path.includes('blobs') ? 405 : 202).end(path.includes('blobs') ? refused : undefined);
    return true;
  };
  await removeManifest(to, 'v1');
  await expect(removeBlob(to, BLOB.digest)).rejects.toThrow(/405: UNSUPPORTED: The operation is unsupported/);
  expect(asked).toEqual(['DELETE /v2/some/image/manifests/v1', `DELETE /v2/some/image/blobs/${BLOB.digest}`]);
});
