import { Args, Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { ACCESS_FLAGS, accessOf } from '../image/access-flags.js';

export default class Login extends BaseCommand {
  static override summary = 'Log in to a registry, for docker, podman and skopeo too';
  static override description =
    `The login is kept in REGISTRY_AUTH_FILE or ~/.docker/config.json, or by the credential helper that
this file names.`;
  static override examples = [
    '<%= config.bin %> login ghcr.io',
    'cat token | <%= config.bin %> login -u me --password-stdin localhost:5000',
  ];
  static override args = { server: Args.string({ default: 'docker.io', description: 'HOST[:PORT]' }) };
  static override flags = {
    username: Flags.string({ char: 'u', description: 'asked for where it is not given' }),
    password: Flags.string({ char: 'p', description: 'others can see it in the list of processes' }),
    'password-stdin': Flags.boolean({ description: 'read the password from standard input' }),
    ...ACCESS_FLAGS,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Login);
    if (flags.password !== undefined && flags['password-stdin']) {
      throw new VlabError('input', '--password and --password-stdin are mutually exclusive', { exitCode: 1 });
    }
    if (flags['password-stdin'] && flags.username === undefined) {
      throw new VlabError('input', 'Must provide --username with --password-stdin', { exitCode: 1 });
    }
    const { checkLogin, keepLogin, loginFile } = await import('../../image/registry/login.js');
    const { ask, askSecret, wholeInput } = await import('../image/ask-secret.js');
    const host = args.server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    const mustAsk = flags.username === undefined || (flags.password === undefined && !flags['password-stdin']);
    if (mustAsk && !process.stdin.isTTY) {
      throw new VlabError('input', 'Cannot perform an interactive login from a non TTY device', { exitCode: 1 });
    }
    if (flags.password !== undefined) {
      process.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    }
    const username = flags.username ?? (await ask('Username: '));
    const password = flags['password-stdin'] ? await wholeInput() : (flags.password ?? (await askSecret('Password: ')));
    const login = { kind: 'password', username, password } as const;
    const access = accessOf(flags);
    await checkLogin(host, login, access);
    const file = loginFile(access.env);
    await keepLogin(file, host, login);
    this.log('Login Succeeded');
    return { server: host, file };
  }
}
