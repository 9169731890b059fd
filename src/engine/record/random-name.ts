/** Names for containers that were given none: an adjective and somebody to whom operating systems owe something. */
import { randomInt } from 'node:crypto';

const ADJECTIVES =
  `able agile amber bold brave bright brisk calm candid careful cheerful clear clever cool curious daring
deft eager earnest fair famous fearless fine fluent frank fresh gentle glad grand happy hardy honest humble jolly keen kind
lively logical loyal lucid mellow merry modest neat nimble noble patient placid plain polite proud prudent quick quiet ready
robust serene sharp silent simple sincere sober solid sound spry stable steady strict sturdy subtle swift tender thorough
tidy tough trusty upbeat vivid warm wise witty zealous`.split(/\s+/);

const SURNAMES =
  `accetta allman anderson baskett belady bershad bernstein bensoussan birrell bostic brinch_hansen brooks
bourne cantrill cerf cheriton clark corbato cox creasy cutler daley dahl denning dennis dijkstra engler fabry ganger goldberg
gosling graham hamilton hoare honeyman hopper jacobson joy kaashoek kernighan kilburn knuth lampson larus ledgard levy
liedtke liskov mackenzie mcilroy mckusick mckenney metcalfe mogul morris murphy needham neumann organick ossanna
ousterhout patterson pike popek presotto rashid redell ritchie rosenblum saltzer satyanarayanan scheifler schroeder
seltzer sandberg sechrest spafford spier stallings strachey sutherland tanenbaum tevanian thacker thompson torvalds
tridgell trickey vyssotsky weinberger wilkes winterbottom wirth wulf zimmermann`.split(/\s+/);

/** How often a plain name is tried before a number is added. */
const PLAIN_TRIES = 8;

/** `pick(n)`: a number from 0 to n - 1. */
export function randomName(isFree: (name: string) => boolean, pick: (below: number) => number = randomInt): string {
  for (let tries = 0; ; tries++) {
    const plain = `${ADJECTIVES[pick(ADJECTIVES.length)]}_${SURNAMES[pick(SURNAMES.length)]}`;
    const name = tries < PLAIN_TRIES ? plain : `${plain}${pick(10 ** Math.min(tries - PLAIN_TRIES + 1, 9))}`;
    if (isFree(name)) return name;
  }
}
