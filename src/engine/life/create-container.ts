/**
 * A container is made: its layer, its volumes and its record, under another name until all of it is there. Nothing of it runs
 * before somebody starts it.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../image/store/image.js';
import type { BlobStore } from '../../image/store/image-store.js';
import { newLayer, removeLayer } from '../../storage/container-layer.js';
import { ownName } from '../../sys/own-name.js';
import type { AskedContainer } from '../define/asked-container.js';
import { defineContainer } from '../define/define-container.js';
import type { ContainerDefinition, DefinedRoot } from '../define/definition.js';
import { limitWarnings } from '../define/limit-facts.js';
import { emitContainer } from '../events/container-event.js';
import { containerDir } from '../record/container-files.js';
import type { ContainerState } from '../record/container-state.js';
import { findContainer } from '../record/find-container.js';
import { checkName, isFree, takeName, withNames } from '../record/names.js';
import { randomName } from '../record/random-name.js';
import { type ContainerRecord, ensureContainersDir, fillRecord } from '../record/records.js';
import { checkVolumes, makeVolumes } from './make-volumes.js';

export interface CreateRequest {
  asked: AskedContainer;
  /** Absent: a random one. */
  name?: string | undefined;
  /** What its root is of. */
  root: Extract<DefinedRoot, { kind: 'directory' }> | CreateImage;
  signal?: AbortSignal;
}

export interface CreateImage {
  kind: 'image';
  image: Image;
  /** As it was asked for: `busybox`. */
  asked: string;
  reference?: string | undefined;
  blobs: BlobStore;
}

export interface CreatedContainer {
  record: ContainerRecord;
  warnings: string[];
}

/** Errors: `input` for options that contradict each other, a name that is taken, another container that is not there; those of newLayer. */
export async function createContainer(request: CreateRequest): Promise<CreatedContainer> {
  const { asked, root } = request;
  const wanted = request.name === undefined ? undefined : checkName(request.name);
  const id = freshId();
  const { definition, warnings } = defineContainer(asked, {
    ...{ id, name: wanted ?? randomName(isFree), createdAt: new Date().toISOString() },
    root: root.kind === 'image' ? imageRoot(root) : root,
    ...(root.kind === 'image' ? { image: root.image.config.config } : {}),
    container: (name) => findContainer(name).definition,
    freshId,
    hostHostname: hostname(),
    cpuCount: availableParallelism(),
    rootless: process.getuid?.() !== 0,
  });
  // Said early: making a layer may take long.
  if (wanted !== undefined) await withNames(async () => mustBeFree(wanted));
  checkVolumes(definition);
  const partial = join(ensureContainersDir(), ownName(','));
  mkdirSync(partial, { mode: 0o700 });
  const undo: (() => Promise<unknown>)[] = [() => rm(partial, { recursive: true, force: true })];
  try {
    if (root.kind === 'image') {
      undo.unshift(() => removeLayer(partial));
      await newLayer({
        ...{ directory: partial, image: root.image, blobs: root.blobs, volatile: definition.autoRemove },
        sizeBytes: definition.storageSizeBytes,
        ...(request.signal ? { signal: request.signal } : {}),
      });
    }
    const record = await place(partial, definition, wanted === undefined);
    emitContainer(record, 'create');
    await makeVolumes(record);
    return { record, warnings: [...warnings, ...limitWarnings(definition.resources)] };
  } catch (error) {
    for (const step of undo) await step().catch(() => {}); // what stays is swept later; the first failure is told
    throw error;
  }
}

export const freshId = () => randomBytes(32).toString('hex');

function imageRoot({ image, asked, reference }: CreateImage): DefinedRoot {
  const { os, architecture } = image.config;
  return {
    ...{ kind: 'image', asked, id: image.id, manifestDigest: image.manifestDigest },
    ...(reference === undefined ? {} : { reference }),
    platform: `${os}/${architecture}`,
  } as DefinedRoot;
}

function mustBeFree(name: string): void {
  if (!isFree(name)) takeName(name, ''); // says whose it is
}

/** It gets its name and its place at once. */
function place(partial: string, definition: ContainerDefinition, anyName: boolean): Promise<ContainerRecord> {
  return withNames(async () => {
    const name = anyName && !isFree(definition.name) ? randomName(isFree) : definition.name;
    const record = { id: definition.id, definition: { ...definition, name }, state: newState(definition, name) };
    takeName(name, definition.id);
    fillRecord(partial, record);
    await rename(partial, containerDir(definition.id));
    return record;
  });
}

function newState({ network }: ContainerDefinition, name: string): ContainerState {
  return {
    ...{ name, phase: 'created', exitCode: 0, oomKilled: false, restartCount: 0, stopAsked: false },
    attachments: network.attachments,
    updated: {},
  };
}
