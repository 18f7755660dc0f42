import type { AddCommand } from '../command.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { isKeyName } from '../../proof/note-key.ts'

export const addKeygen: AddCommand = (audit, { cli, json }) => {
  audit
    .command('keygen')
    .description('Make a key that signs checkpoints; prints the verifier key, which whoever verifies must get on another way than the log.')
    .argument('<file>', 'a new file, which only its owner may read')
    .requiredOption('--name <name>', "the log's prefix and the id of the cluster, such as reeve.audit/5L6g3nShT-eMCtK--X86sw")
    .action(async (file, { name }) => {
      if (!isKeyName(name)) throw new CommandFailure(exitCodes.usage, `--name ${name}: expected text without spaces and '+'`)
      const { newKey, writeKeyFile } = await import('../../credentials/signer.ts')
      const { skey, vkey } = newKey(name)
      try {
        writeKeyFile(file, skey)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        throw new CommandFailure(
          exitCodes.failed,
          code === 'EEXIST' ? `${file} is there already: no key is written over` : `${file} cannot be written: ${code}`
        )
      }
      cli.out(json() ? JSON.stringify({ file, vkey }) : vkey)
    })
}
