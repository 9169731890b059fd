/** The tests of a file, or of one `describe`, share a room. After each, nothing may be left of its containers. */
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { EngineRoom } from './engine-room.js';
import { expectNothingNew } from './leftovers.js';

/** The daemon or command of each engine. */
const PROGRAMS = { podman: 'podman', containerd: 'containerd', docker: 'dockerd' } as const;

export interface RoomNeeds {
  engine: keyof typeof PROGRAMS;
  /** Directories of the room that must be as they were, but for what the engine made while it was set up. */
  state?: readonly string[];
}

export function withRoom({ engine, state }: RoomNeeds, setUp: (room: EngineRoom) => Promise<void>): void {
  const present = spawnSync(PROGRAMS[engine], ['--version']).status === 0;
  let room: EngineRoom | undefined;
  let nothingNew: () => Promise<void> = async () => {};
  beforeAll(async () => {
    if (!isRoot || !present) return;
    room = await EngineRoom.start();
    await setUp(room);
    nothingNew = expectNothingNew(room, state);
  });
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, engine, present);
  });
  afterEach(() => nothingNew());
  afterAll(async () => room?.[Symbol.asyncDispose]());
}
