import { expect, it } from 'vitest';
import { applyChanges } from '../../../src/build/apply-changes.js';

it('what docker takes as a change is in the configuration', () => {
  const before = { Env: ['A=1'], Cmd: ['/old'], OnBuild: ['RUN x'] };
  const changes = ['CMD ["/bin/sh", "-l"]', 'ENV A=2 B=3', 'expose 80', 'LABEL a="b c"', 'USER me', 'WORKDIR /srv'];
  expect(applyChanges([...changes, 'VOLUME /data', 'STOPSIGNAL SIGINT'], before)).toEqual({
    Env: ['A=2', 'B=3'],
    Cmd: ['/bin/sh', '-l'],
    ExposedPorts: { '80/tcp': {} },
    Labels: { a: 'b c' },
    User: 'me',
    WorkingDir: '/srv',
    Volumes: { '/data': {} },
    StopSignal: 'SIGINT',
    OnBuild: ['RUN x'],
  });
  expect(applyChanges([], before)).toEqual(before);
});

it.each(['RUN x', 'COPY a b', 'FROM x', 'NOTHING'])('%s is refused', (change) => {
  expect(() => applyChanges([change], {})).toThrow();
});
