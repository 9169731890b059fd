import { expect, test } from 'vitest';
import { complaintLine } from '../../../src/lab/complaint.js';
import { parseScenario } from '../../../src/lab/parse-scenario.js';

function complaints(text: string): string[] {
  return parseScenario(text, 's.yaml').complaints.map(complaintLine);
}

const GOOD = `name: small
payload:
  rootfs: probe
  command: [/probe, hello]
arms:
  - driver: process
  - driver: container
`;

test('a short file gets every default', () => {
  const { scenario, complaints } = parseScenario(GOOD, 's.yaml');
  expect(complaints).toEqual([]);
  expect(scenario).toEqual({
    name: 'small',
    title: 'small',
    question: '',
    payload: { files: { rootfs: 'probe' }, command: ['/probe', 'hello'], env: {}, check: { exit: 0 } },
    arms: [
      { label: 'process', driver: 'process', options: {}, limits: {}, every: 1, deadlineMs: 10_000 },
      { label: 'container', driver: 'container', options: {}, limits: {}, every: 1, deadlineMs: 10_000 },
    ],
    blocks: 20,
    warmup: 1,
    deadlineMs: 10_000,
    metric: 'ready',
    baseline: 'process',
    ready: 'first-byte',
  });
});

test('every error is told at once, each with its place and the nearest valid key', async () => {
  const text = `name: Bad Name
titel: x
payload:
  rootfs: probe
  comand: [/probe, hello]
  check:
    exit: "zero"
    stdout: /[/
  env: {A=B: 1}
arms:
  - driver: docker
  - driver: contaner
    evry: 4
    limits: {memory: 12parsecs}
  - driver: process
    every: 2
  - driver: process
    options: 3
blocks: 2.5
warmup: -1
deadline: 10 seconds
baseline: nobody
metric: first-byte
ready: soon
colour: blue
`;
  await expect(`${complaints(text).join('\n')}\n`).toMatchFileSnapshot('golden/every-error.txt');
});
