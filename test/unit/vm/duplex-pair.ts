import { Duplex } from 'node:stream';

/** Two streams that are each other's ends. */
export function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (other: number): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        ends[other]?.push(chunk);
        done();
      },
      final(done) {
        ends[other]?.push(null);
        done();
      },
      destroy(error, done) {
        ends[other]?.push(null);
        done(error);
      },
    });
  ends.push(end(1), end(0));
  return ends as [Duplex, Duplex];
}
