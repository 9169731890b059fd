import { BaseCommand } from '../../base-command.js';

export default class KeeperUnit extends BaseCommand {
  static override summary = 'Print a unit of systemd that runs the keeper from boot on';
  static override description = 'With it, containers with --restart always or unless-stopped run again after a boot.';
  static override examples = [
    '<%= config.bin %> keeper unit > /etc/systemd/system/vlab-keeper.service && systemctl enable --now vlab-keeper',
    '<%= config.bin %> keeper unit > ~/.config/systemd/user/vlab-keeper.service && systemctl --user enable --now vlab-keeper',
  ];

  async run(): Promise<{ unit: string }> {
    await this.parse(KeeperUnit);
    const { keeperUnit } = await import('../../../engine/keeper/keeper-unit.js');
    const { ownCommand, ownEnvironment } = await import('../../../engine/life/finish-words.js');
    const unit = keeperUnit(ownCommand('keeper', 'run', '--service'), ownEnvironment(), process.getuid?.() === 0);
    this.log(unit.trimEnd());
    return { unit };
  }
}
