import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT_RECORD_BYTES, exitOwner, parseExitRecord, readExit } from '../../../../src/engine/run/exit-record.js';

const INIT = { pid: 4194304, startTime: '18446744073709551615', bootId: '3c1f5a1e-8f0b-4c6e-9a51-0123456789ab' };
const CLD_EXITED = 1;
const CLD_KILLED = 2;

function record({ code = CLD_EXITED, status = 0, oom = '' } = {}): Buffer {
  const bytes = Buffer.alloc(EXIT_RECORD_BYTES);
  exitOwner(INIT).copy(bytes);
  bytes.writeBigInt64LE(5n, 128);
  bytes.writeBigInt64LE(7n, 136);
  bytes.writeBigInt64LE(6n, 144);
  bytes.writeBigInt64LE(8n, 152);
  bytes.writeInt32LE(17, 160);
  bytes.writeInt32LE(code, 168);
  bytes.writeInt32LE(status, 184);
  bytes.write(oom, 288);
  return bytes;
}

describe('the record of an end', () => {
  it('says who it was, when, and how', () => {
    expect(parseExitRecord(record({ status: 3 }))).toEqual({
      ...{ exitCode: 3, oomKilled: false, startedAtNs: 5_000_000_007n, finishedAtNs: 6_000_000_008n, init: INIT },
    });
    expect(parseExitRecord(record({ code: CLD_KILLED, status: 9 }))).toMatchObject({ exitCode: 137, signal: 9 });
  });

  it.each([
    ['oom_kill_disable 0\nunder_oom 0\noom_kill 1\n', true],
    ['oom_kill_disable 0\nunder_oom 0\noom_kill 0\n', false],
    ['low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n', true],
    ['low 0\nhigh 0\nmax 9\noom 3\noom_kill 0\noom_group_kill 5\n', false],
    ['', false],
  ])('knows from its cgroup whether memory was short: %j', (oom, oomKilled) => {
    expect(parseExitRecord(record({ oom })).oomKilled).toBe(oomKilled);
  });

  it('has room for the longest name of a process', () => {
    expect(exitOwner(INIT).length).toBe(128);
  });

  it('that is not there, or not whole, is none', () => {
    const dir = mkdtempSync(join(tmpdir(), 'vlab-exit-'));
    try {
      expect(readExit(dir)).toBeUndefined();
      writeFileSync(join(dir, 'exit'), record().subarray(0, 300));
      expect(readExit(dir)).toBeUndefined();
      writeFileSync(join(dir, 'exit'), Buffer.alloc(EXIT_RECORD_BYTES));
      expect(readExit(dir)).toBeUndefined();
      writeFileSync(join(dir, 'exit'), record());
      expect(readExit(dir)?.exitCode).toBe(0);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
