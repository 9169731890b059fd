/** What `vlab build` builds from: a directory, an archive, or a Dockerfile alone. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { CopySource } from '../../build/copy-step.js';
import type { Dockerfile } from '../../build/dockerfile/instruction.js';
import { parseDockerfile } from '../../build/dockerfile/parse-dockerfile.js';
import { DirectoryTree } from '../../build/files/tree.js';
import { parseIgnore } from '../../build/ignore.js';
import type { Workspace } from '../../build/workspace.js';
import { unpackLayer } from '../../image/layer/unpack-layer.js';

export interface ContextRequest {
  /** A directory, or `-`: an archive or a Dockerfile on standard input. */
  path: string;
  /** `-f`: absent: Dockerfile in the context; `-`: standard input. */
  file?: string | undefined;
  stdin: NodeJS.ReadableStream;
  workspace: Workspace;
}

export interface OpenContext {
  dockerfile: Dockerfile;
  context: CopySource;
}

/** Errors (`input`): no such directory, no Dockerfile, both from standard input. */
export async function openContext(request: ContextRequest): Promise<OpenContext> {
  const { path, file, stdin, workspace } = request;
  if (path === '-' && file === '-') {
    throw new VlabError('input', "invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (path !== '-') {
    if (/^(https?|git|ssh):\/\/|^git@|^github\.com\//.test(path)) {
      throw new VlabError('input', `the build context ${path} is not on this machine`, {
        hint: 'fetch it, and give its directory',
      });
    }
    const root = resolve(path);
    if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
      throw new VlabError('input', `unable to prepare context: path "${path}" not found, or no directory`);
    }
    const source = file === '-' ? await textOf(stdin) : undefined;
    return opened(root, file, source);
  }
  const bytes = await bytesOf(stdin);
  const root = workspace.place('context');
  if (!looksPacked(bytes)) return opened(root, 'Dockerfile', bytes.toString('utf8'));
  const archive = { source: Readable.from([bytes]), mediaType: 'application/vnd.oci.image.layer.v1.tar' };
  await unpackLayer({ ...archive, into: root, form: 'plain' });
  return opened(root, file === undefined ? undefined : join(root, file), undefined);
}

function opened(root: string, file: string | undefined, known: string | undefined): OpenContext {
  const place = known !== undefined ? undefined : dockerfileIn(root, file);
  const source = known ?? readFileSync(place ?? '', 'utf8');
  const isInside = place !== undefined && !relative(root, place).startsWith('..');
  const shown = place === undefined ? (file ?? 'Dockerfile') : isInside ? relative(root, place) : place;
  const own = place === undefined ? undefined : `${place}.dockerignore`;
  const ignore = own !== undefined && existsSync(own) ? own : join(root, '.dockerignore');
  const rules = existsSync(ignore) ? parseIgnore(readFileSync(ignore, 'utf8'), basename(ignore)) : undefined;
  return {
    dockerfile: parseDockerfile(source, shown === '-' ? 'Dockerfile' : shown),
    context: { tree: new DirectoryTree(root), rules, isContext: true },
  };
}

function dockerfileIn(root: string, file: string | undefined): string {
  const candidates =
    file === undefined ? [join(root, 'Dockerfile'), join(root, 'Containerfile')] : [resolve(file), join(root, file)];
  const found = candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  if (found !== undefined) return found;
  throw new VlabError('input', `failed to read dockerfile: open ${file ?? 'Dockerfile'}: no such file or directory`, {
    hint: 'name it with -f, or give a directory that has a Dockerfile',
  });
}

/** gzip, bzip2, xz, zstd, or a tar: a Dockerfile begins with none of them. */
function looksPacked(bytes: Buffer): boolean {
  const magic = bytes.subarray(0, 6).toString('latin1');
  const isPacked = ['\x1f\x8b', 'BZh', '\xfd7zXZ', '\x28\xb5\x2f\xfd'].some((start) => magic.startsWith(start));
  return isPacked || bytes.toString('latin1', 257, 262) === 'ustar';
}

const MOST_BYTES = 2 ** 31 - 1;

async function bytesOf(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MOST_BYTES) throw new VlabError('input', 'a build context on standard input has at most 2 GiB');
  }
  return Buffer.concat(chunks);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  return (await bytesOf(stream)).toString('utf8');
}
