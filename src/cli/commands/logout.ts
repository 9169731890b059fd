import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Logout extends BaseCommand {
  static override summary = 'Forget the login to a registry';
  static override examples = ['<%= config.bin %> logout localhost:5000'];
  static override args = { server: Args.string({ default: 'docker.io', description: 'HOST[:PORT]' }) };
  static override flags = {
    authfile: Flags.string({ helpValue: 'FILE', description: 'a file of logins in place of the usual ones' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Logout);
    const { forgetLogin, loginFile } = await import('../../image/registry/login.js');
    const host = args.server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    const wasIn = await forgetLogin(flags.authfile ?? loginFile(), host);
    this.log(wasIn ? `Removing login credentials for ${host}` : `Not logged in to ${host}`);
    return { server: host, wasIn };
  }
}
