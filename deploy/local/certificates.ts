import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from './commands.ts'
import { localFolder } from './folders.ts'

export interface Certificates {
  readonly folder: string
  /** PEM, for clients. */
  readonly caFile: string
  readonly keystore: { readonly file: string; readonly password: string }
}

/** A certificate authority of this checkout's own and a server certificate for localhost and 127.0.0.1, made once with the JDK's keytool. */
export async function ensureCertificates(keytool: (folder: string) => readonly string[]): Promise<Certificates> {
  const folder = join(localFolder, 'certificates')
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}.unfinished`
    await mkdir(unfinished, { recursive: true, mode: 0o700 })
    await make(unfinished, keytool(unfinished))
    await rename(unfinished, folder).catch(async (error: unknown) => {
      await rm(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    })
  }
  const password = await readFile(join(folder, 'password'), 'utf8')
  return { folder, caFile: join(folder, 'ca.pem'), keystore: { file: join(folder, 'server.p12'), password } }
}

async function make(folder: string, keytool: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'password'), randomBytes(16).toString('hex'), { mode: 0o600 })
  const store = ['-keystore', join(folder, 'server.p12'), '-storetype', 'PKCS12', '-storepass:file', join(folder, 'password')]
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '3650']
  await output([
    ...keytool,
    '-genkeypair',
    '-alias',
    'ca',
    '-dname',
    'CN=Reeve local stack CA',
    '-ext',
    'bc:c=ca:true',
    '-ext',
    'ku:c=keyCertSign',
    ...key,
    ...store
  ])
  const names = 'SAN=dns:localhost,ip:127.0.0.1'
  await output([...keytool, '-genkeypair', '-alias', 'server', '-dname', 'CN=localhost', '-ext', names, '-signer', 'ca', ...key, ...store])
  await output([...keytool, '-exportcert', '-rfc', '-alias', 'ca', '-file', join(folder, 'ca.pem'), ...store])
  // A server needs no right to sign others.
  await output([...keytool, '-delete', '-alias', 'ca', ...store])
}
