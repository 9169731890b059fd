/** The columns of docker's lists. Pure: the commands give rows whose values are as the machine has them. */
import { decimalSize, humanAge, localTimestamp } from './human.js';
import type { Listing } from './listing.js';

/** As moby's formatter.Ellipsis, by characters. */
export function ellipsis(text: string, most: number): string {
  const signs = [...text];
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join('')}…`;
}

/** 12 digits of an id, without its algorithm. */
export function shortId(id: string): string {
  return id.replace(/^sha\d+:/, '').slice(0, 12);
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

export interface ContainerRow {
  id: string;
  /** As it was asked for; an id of an image is shortened. */
  image: string;
  args: readonly string[];
  createdAtMs: number;
  /** `running` */
  state: string;
  /** `Up 3 hours`: container-status.ts. */
  status: string;
  ports: string;
  /** The first is its own; the others begin with that of a container and a slash. */
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** Names of volumes and sources of binds. */
  mounts: readonly string[];
  localVolumes: number;
  networks: readonly string[];
  platform?: string | undefined;
  /** Walks over the container's layer, so it is asked only where it is shown. */
  size?: (() => { layerBytes: number; rootBytes: number }) | undefined;
}

const CONTAINER_TABLE = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';
export const CONTAINER_TABLE_WITH_SIZE = `${CONTAINER_TABLE}\t{{.Size}}`;

export function containerListing(noTrunc: boolean, nowMs: number): Listing<ContainerRow> {
  const cut = (text: string, most: number) => (noTrunc ? text : ellipsis(text, most));
  return {
    typeName: '*formatter.ContainerContext',
    table: CONTAINER_TABLE,
    quiet: 'ID',
    labels: ({ labels }) => labels,
    fields: {
      ID: { header: 'CONTAINER ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
      Image: { header: 'IMAGE', value: ({ image }) => imageName(image, noTrunc) },
      Command: { header: 'COMMAND', value: ({ args }) => JSON.stringify(cut(commandText(args), 20)) },
      CreatedAt: { header: 'CREATED AT', value: ({ createdAtMs }) => localTimestamp(createdAtMs) },
      RunningFor: { header: 'CREATED', value: ({ createdAtMs }) => humanAge(createdAtMs, nowMs) },
      Ports: { header: 'PORTS', value: ({ ports }) => ports },
      State: { header: 'STATE', value: ({ state }) => state },
      Status: { header: 'STATUS', value: ({ status }) => status },
      Size: { header: 'SIZE', value: ({ size }) => sizeText(size?.()) },
      Names: { header: 'NAMES', value: ({ names }) => (noTrunc ? names : names.slice(0, 1)).join(',') },
      Labels: { header: 'LABELS', value: ({ labels }) => labelsText(labels) },
      Mounts: { header: 'MOUNTS', value: ({ mounts }) => mounts.map((mount) => cut(mount, 15)).join(',') },
      LocalVolumes: { header: 'LOCAL VOLUMES', value: ({ localVolumes }) => String(localVolumes) },
      Networks: { header: 'NETWORKS', value: ({ networks }) => networks.join(',') },
      Platform: { header: 'PLATFORM', value: ({ platform }) => platform },
    },
  };
}

function imageName(image: string, noTrunc: boolean): string {
  return !noTrunc && /^sha256:[0-9a-f]{64}$/.test(image) ? shortId(image) : image || '<no image>';
}

/** As docker joins them for `ps`: a word that a shell would split is quoted. */
function commandText(args: readonly string[]): string {
  return args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

function sizeText(size: { layerBytes: number; rootBytes: number } | undefined): string {
  if (!size) return decimalSize(0);
  const layer = decimalSize(size.layerBytes);
  return size.rootBytes > 0 ? `${layer} (virtual ${decimalSize(size.rootBytes)})` : layer;
}

export interface ImageRow {
  id: string;
  /** One of its names, as docker shortens it; absent: it has none. */
  repository?: string | undefined;
  tag?: string | undefined;
  digest?: string | undefined;
  createdAtMs: number;
  sizeBytes: number;
  containers?: number | undefined;
}

const NONE = '<none>';
export const IMAGE_TABLE_WITH_DIGESTS = '{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';

export function imageListing(noTrunc: boolean, nowMs: number): Listing<ImageRow> {
  return {
    typeName: '*formatter.imageContext',
    table: '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}',
    quiet: 'ID',
    fields: {
      ID: { header: 'IMAGE ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
      Repository: { header: 'REPOSITORY', value: ({ repository = NONE }) => repository },
      Tag: { header: 'TAG', value: ({ tag = NONE }) => tag },
      Digest: { header: 'DIGEST', value: ({ digest = NONE }) => digest },
      CreatedSince: { header: 'CREATED', value: ({ createdAtMs }) => humanAge(createdAtMs, nowMs) },
      CreatedAt: { header: 'CREATED AT', value: ({ createdAtMs }) => localTimestamp(createdAtMs) },
      Size: { header: 'SIZE', value: ({ sizeBytes }) => decimalSize(sizeBytes) },
      Containers: { header: 'CONTAINERS', value: ({ containers }) => countText(containers) },
      VirtualSize: { header: 'VIRTUAL SIZE', value: ({ sizeBytes }) => decimalSize(sizeBytes, 4) },
      SharedSize: { header: 'SHARED SIZE', value: () => 'N/A' },
      UniqueSize: { header: 'UNIQUE SIZE', value: () => 'N/A' },
    },
  };
}

function countText(count: number | undefined): string {
  return count === undefined ? 'N/A' : String(count);
}

export interface NetworkRow {
  id: string;
  name: string;
  driver: string;
  scope: string;
  ipv4: boolean;
  ipv6: boolean;
  internal: boolean;
  labels: Readonly<Record<string, string>>;
  createdAtMs: number;
}

export function networkListing(noTrunc: boolean): Listing<NetworkRow> {
  return {
    typeName: '*network.networkContext',
    table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
    quiet: 'ID',
    labels: ({ labels }) => labels,
    fields: {
      ID: { header: 'NETWORK ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
      Name: { header: 'NAME', value: ({ name }) => name },
      Driver: { header: 'DRIVER', value: ({ driver }) => driver },
      Scope: { header: 'SCOPE', value: ({ scope }) => scope },
      IPv4: { header: 'IPV4', value: ({ ipv4 }) => String(ipv4) },
      IPv6: { header: 'IPV6', value: ({ ipv6 }) => String(ipv6) },
      Internal: { header: 'INTERNAL', value: ({ internal }) => String(internal) },
      Labels: { header: 'LABELS', value: ({ labels }) => labelsText(labels) },
      CreatedAt: { header: 'CREATED AT', value: ({ createdAtMs }) => localTimestamp(createdAtMs) },
    },
  };
}

export interface VolumeRow {
  name: string;
  driver: string;
  mountpoint: string;
  labels: Readonly<Record<string, string>>;
  sizeBytes?: number | undefined;
  links?: number | undefined;
}

export const VOLUME_LISTING: Listing<VolumeRow> = {
  typeName: '*formatter.volumeContext',
  table: '{{.Driver}}\t{{.Name}}',
  quiet: 'Name',
  labels: ({ labels }) => labels,
  fields: {
    Name: { header: 'VOLUME NAME', value: ({ name }) => name },
    Driver: { header: 'DRIVER', value: ({ driver }) => driver },
    Scope: { header: 'SCOPE', value: () => 'local' },
    Mountpoint: { header: 'MOUNTPOINT', value: ({ mountpoint }) => mountpoint },
    Labels: { header: 'LABELS', value: ({ labels }) => labelsText(labels) },
    Links: { header: 'LINKS', value: ({ links }) => countText(links) },
    Size: { header: 'SIZE', value: ({ sizeBytes }) => (sizeBytes === undefined ? 'N/A' : decimalSize(sizeBytes)) },
    Status: { header: 'STATUS', value: () => 'N/A' },
    Availability: { header: 'AVAILABILITY', value: () => 'N/A' },
    Group: { header: 'GROUP', value: () => 'N/A' },
  },
};
