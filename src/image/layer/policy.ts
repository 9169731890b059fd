/** What of an entry this user can keep, and in this form. Pure. */
import { VlabError } from '../../base/errors.js';
import type { Kept } from './entry-steps.js';
import type { IdMaps, IdRange, LayerForm } from './layer-form.js';
import { shown } from './layer-path.js';
import type { TarEntry } from './tar/entry.js';

const MOST_NOTES = 100;
/** overlayfs would take them for its own: a layer that has them could redirect a directory. */
const OVERLAY = /^(trusted|user)\.overlay\./;

export class Policy {
  readonly leftOut: string[] = [];

  constructor(
    private readonly idMaps: IdMaps | undefined,
    private readonly form: LayerForm,
  ) {}

  /** Undefined: nothing of it. `chown`: also for an owner of 0. Error (`input`): its owner is in none of the maps. */
  keep(entry: TarEntry, chown: boolean): Kept | undefined {
    const isDevice = entry.type === 'character' || entry.type === 'block';
    if (isDevice && this.idMaps) return this.leaveOut(entry, 'device nodes need root');
    if (isDevice && this.form === 'overlay' && entry.type === 'character' && entry.major === 0 && entry.minor === 0) {
      return this.leaveOut(entry, 'overlayfs takes the device 0:0 for a whiteout');
    }
    const uid = this.idOf(entry, entry.uid, this.idMaps?.uids);
    const gid = this.idOf(entry, entry.gid, this.idMaps?.gids);
    return {
      uid,
      gid,
      chown: chown || uid !== 0 || gid !== 0,
      xattrs: entry.xattrs.length === 0 ? NONE : entry.xattrs.filter(([xattr]) => this.canSet(entry, xattr)),
      leaveOut: (xattr) => void this.leaveOut(entry, `the file system has no ${xattr}`),
    };
  }

  private canSet(entry: TarEntry, xattr: string): boolean {
    const why = OVERLAY.test(xattr)
      ? 'belongs to overlayfs'
      : this.idMaps && /^(trusted\.|security\.(?!capability$))/.test(xattr)
        ? 'needs root'
        : undefined;
    if (why) this.leaveOut(entry, `the attribute ${shown(xattr)} ${why}`);
    return why === undefined;
  }

  private idOf(entry: TarEntry, id: number, ranges: readonly IdRange[] | undefined): number {
    if (!ranges || ranges.some(({ inside, size }) => id >= inside && id < inside + size)) return id;
    if (this.idMaps?.squash) return 0;
    throw new VlabError('input', `the owner ${id} of ${shown(entry.path)} is not among the ids that are mapped`, {
      hint: 'give the user more ids in /etc/subuid and /etc/subgid: usermod --add-subuids',
    });
  }

  private leaveOut(entry: TarEntry, why: string): undefined {
    if (this.leftOut.length < MOST_NOTES) this.leftOut.push(`${shown(entry.path)}: ${why}`);
  }
}

const NONE: TarEntry['xattrs'] = [];
