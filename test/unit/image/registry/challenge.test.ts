import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseChallenges } from '../../../../src/image/registry/challenge.js';

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

it('reads what registries send', () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"';
  expect(plain(header)).toEqual([
    [
      'bearer',
      { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
    ],
  ]);
});

it('reads several challenges, values without quotes, quoted quotes and single values', () => {
  expect(plain('Negotiate, NTLM YWJj==, basic REALM = here , Bearer x="a \\"b\\", c"')).toEqual([
    ['negotiate', {}],
    ['ntlm', {}],
    ['basic', { realm: 'here' }],
    ['bearer', { x: 'a "b", c' }],
  ]);
  expect(plain('')).toEqual([]);
  expect(plain('Basic realm="unclosed')).toEqual([['basic', {}]]);
  expect(plain('Basic __proto__="x"')).toEqual([['basic', JSON.parse('{"__proto__":"x"}')]]);
});

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const challenge = fc.tuple(token, fc.dictionary(token, fc.string(), { minKeys: 1, maxKeys: 4 }));

it('whatever is quoted comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
      const header = challenges
        .map(([scheme, values]) => {
          const all = Object.entries(values).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
          return `${scheme} ${all.join(', ')}`;
        })
        .join(', ');
      expect(plain(header)).toEqual(challenges.map(([scheme, values]) => [scheme, { ...values }]));
    }),
  );
});

it('ends in time on anything', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (header) => {
      expect(Array.isArray(parseChallenges(header))).toBe(true);
    }),
  );
  const started = Date.now();
  for (const piece of ['a="\\', 'a ', '"', 'a=,', 'Basic a=']) parseChallenges(piece.repeat(4000));
  expect(Date.now() - started).toBeLessThan(1000);
});
