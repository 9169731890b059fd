/** The flags of `run` and `create`, by docker's names (docker-run(1)). What they mean: read-container.ts. */
import { Flags } from '@oclif/core';
import { on, text, texts } from './flag.js';
import { REFUSED_FLAGS } from './refused-flags.js';
import { RESOURCE_FLAGS } from './resource-flags.js';

const PROGRAM = { group: 'PROGRAM' };
const FILES = { group: 'FILES' };
const NETWORK = { group: 'NETWORK' };
const RIGHTS = { group: 'RIGHTS' };
const HEALTH = { group: 'HEALTH' };
const LIFE = { group: 'LIFE' };

const PROGRAM_FLAGS = {
  interactive: on('keep standard input open', { ...PROGRAM, char: 'i' }),
  tty: on('give the program a terminal of its own', { ...PROGRAM, char: 't' }),
  attach: texts('show only these streams: stdin, stdout, stderr', { ...PROGRAM, char: 'a', value: 'STREAM' }),
  env: texts('environment variable; a name alone passes this process’s own on', {
    ...{ ...PROGRAM, char: 'e', value: 'NAME=VALUE' },
  }),
  'env-file': texts('environment variables from a file, one a line', { ...PROGRAM, value: 'FILE' }),
  workdir: text('working directory; made where it is missing', { ...PROGRAM, char: 'w', value: 'DIR' }),
  user: text('who runs it: NAME or UID, with :GROUP or :GID', { ...PROGRAM, char: 'u', value: 'USER' }),
  'group-add': texts('a further group', { ...PROGRAM, value: 'GROUP' }),
  entrypoint: text("in place of the image's entrypoint; '' takes it away", { ...PROGRAM, value: 'PROGRAM' }),
  init: on('let catatonit be the first process: it passes signals on and reaps what is left behind', PROGRAM),
  system: on('boot an init (systemd, busybox, OpenRC): /run, cgroups of its own, halt and reboot', PROGRAM),
};

const FILE_FLAGS = {
  rootfs: text('a directory of the host as the root, in place of an image; probe for the built-in one', {
    ...{ ...FILES, value: 'DIR' },
  }),
  volume: texts('mount a volume or a directory', { ...FILES, char: 'v', value: '[SOURCE:]PLACE[:ro]' }),
  mount: texts('mount what is described: type=bind,src=…,dst=…', { ...FILES, value: 'FIELDS' }),
  tmpfs: texts('mount an empty file system in memory: /tmp:size=64m', { ...FILES, value: 'PLACE[:OPTIONS]' }),
  'volumes-from': texts('mount what another container has mounted', { ...FILES, value: 'CONTAINER[:ro]' }),
  'read-only': on('mount the root file system read-only', FILES),
};

const NETWORK_FLAGS = {
  network: texts('a network, or bridge, host, none, container:NAME', {
    ...{ ...NETWORK, aliases: ['net'], value: 'NETWORK' },
  }),
  'network-alias': texts('a further name of it on the network', { ...NETWORK, aliases: ['net-alias'], value: 'NAME' }),
  publish: texts('publish a port on the host: 8080:80, 127.0.0.1:53:53/udp', {
    ...{ ...NETWORK, char: 'p', value: 'PORTS' },
  }),
  'publish-all': on('publish every exposed port on one that is free', { ...NETWORK, char: 'P' }),
  expose: texts('a port that it serves', { ...NETWORK, value: 'PORT' }),
  hostname: text('its host name', { ...NETWORK, char: 'h', value: 'NAME' }),
  domainname: text('its domain name', { ...NETWORK, value: 'NAME' }),
  ip: text('its address of IPv4', { ...NETWORK, value: 'ADDRESS' }),
  ip6: text('its address of IPv6', { ...NETWORK, value: 'ADDRESS' }),
  'mac-address': text('its address of Ethernet', { ...NETWORK, value: 'ADDRESS' }),
  'link-local-ip': texts('a link-local address', { ...NETWORK, value: 'ADDRESS', hidden: true }),
  dns: texts('a name server', { ...NETWORK, value: 'ADDRESS' }),
  'dns-search': texts('a domain to complete names with; . for none', { ...NETWORK, value: 'DOMAIN' }),
  'dns-option': texts('an option of resolv.conf(5)', { ...NETWORK, aliases: ['dns-opt'], value: 'OPTION' }),
  'add-host': texts('a line of /etc/hosts; host-gateway is the host', { ...NETWORK, value: 'NAME:ADDRESS' }),
};

const RIGHTS_FLAGS = {
  privileged: on('give it every right there is: it can take the host over', RIGHTS),
  'cap-add': texts('a capability more; ALL for each', { ...RIGHTS, value: 'NAME' }),
  'cap-drop': texts('a capability less', { ...RIGHTS, value: 'NAME' }),
  'security-opt': texts('seccomp=FILE|unconfined, no-new-privileges[=false], systempaths=unconfined', {
    ...{ ...RIGHTS, value: 'OPTION' },
  }),
  seccomp: text('as --security-opt seccomp=: default, unconfined, or a file', { ...RIGHTS, value: 'PROFILE' }),
  device: texts('hand a device on: /dev/fuse[:PLACE][:rwm]', { ...RIGHTS, value: 'DEVICE' }),
  'device-cgroup-rule': texts('devices that it may open: c 189:* rwm', { ...RIGHTS, value: 'RULE' }),
  sysctl: texts('a kernel parameter of its own namespaces', { ...RIGHTS, value: 'NAME=VALUE' }),
  pid: text('see the processes of the host, or of container:NAME', { ...RIGHTS, value: 'MODE' }),
  ipc: text('private, shareable, none, host, container:NAME', { ...RIGHTS, value: 'MODE' }),
  uts: text('host: have its name', { ...RIGHTS, value: 'MODE' }),
  userns: text('host: no user namespace of its own', { ...RIGHTS, value: 'MODE' }),
  cgroupns: text('private or host', { ...RIGHTS, value: 'MODE' }),
  'cgroup-parent': text('the cgroup that its own lies in', { ...RIGHTS, value: 'PATH' }),
};

const HEALTH_FLAGS = {
  'health-cmd': text('a command for the shell that says whether it is well', { ...HEALTH, value: 'COMMAND' }),
  'health-interval': text('time between two checks; 30s', { ...HEALTH, value: 'TIME' }),
  'health-timeout': text('longest time of one; 30s', { ...HEALTH, value: 'TIME' }),
  'health-start-period': text('time to get ready, in which failures do not count; 0s', { ...HEALTH, value: 'TIME' }),
  'health-start-interval': text('time between two checks then; 5s', { ...HEALTH, value: 'TIME' }),
  'health-retries': text('failures until it is unhealthy; 3', { ...HEALTH, value: 'N' }),
  'no-healthcheck': on("leave the image's check out", HEALTH),
};

const LIFE_FLAGS = {
  name: text('its name', { ...LIFE, value: 'NAME' }),
  rm: on('remove it, and its anonymous volumes, when it ends', LIFE),
  restart: text('no, always, unless-stopped, on-failure[:TIMES]', { ...LIFE, value: 'POLICY' }),
  'stop-signal': text('the signal that asks it to end', { ...LIFE, value: 'SIGNAL' }),
  'stop-timeout': text('seconds until it is killed then; 10', { ...LIFE, value: 'N' }),
  label: texts('a label', { ...LIFE, char: 'l', value: 'NAME=VALUE' }),
  'label-file': texts('labels from a file, one a line', { ...LIFE, value: 'FILE' }),
  annotation: texts('an annotation for the runtime', { ...LIFE, value: 'NAME=VALUE' }),
  cidfile: text('write the id to this file, which must not be there', { ...LIFE, value: 'FILE' }),
  'log-driver': text('json-file, local or none', { ...LIFE, value: 'DRIVER' }),
  'log-opt': texts('max-size=10m, max-file=3', { ...LIFE, value: 'NAME=VALUE' }),
  pull: text('always, missing or never', { ...LIFE, value: 'WHEN' }),
  quiet: on('show no progress of a pull', { ...LIFE, char: 'q' }),
  platform: text('which platform of the image: linux/arm64', { ...LIFE, value: 'PLATFORM' }),
  runtime: text('vlab has its own alone', { ...LIFE, value: 'NAME', hidden: true }),
  isolation: text('default', { ...LIFE, value: 'NAME', hidden: true }),
  'disable-content-trust': Flags.boolean({ hidden: true, allowNo: true, description: 'there is none here' }),
};

/** Of `create`, and with RUN_FLAGS of `run`. */
export const CREATE_FLAGS = {
  ...PROGRAM_FLAGS,
  ...FILE_FLAGS,
  ...NETWORK_FLAGS,
  ...RIGHTS_FLAGS,
  ...RESOURCE_FLAGS,
  ...HEALTH_FLAGS,
  ...LIFE_FLAGS,
  ...REFUSED_FLAGS,
};

export const RUN_FLAGS = {
  detach: on('run it in the background and print its id', { ...LIFE, char: 'd' }),
  'detach-keys': text('the keys that leave it running: ctrl-p,ctrl-q', { ...PROGRAM, value: 'KEYS' }),
  'sig-proxy': Flags.boolean({
    ...{ allowNo: true, default: true, helpGroup: PROGRAM.group },
    description: 'pass signals on to the program',
  }),
  'show-plan': Flags.boolean({ description: 'print the system calls, each with its reason, and start nothing' }),
};
