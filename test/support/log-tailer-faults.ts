import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { keptLines, type TailerLine, type TailerOptions } from './log-tailer.ts'
import { randomFrom } from './seeded.ts'

/** As gzip does: the compressed file grows, takes the time of the other, which then goes. */
async function gzip(file: string, random: () => number): Promise<void> {
  const { atime, mtime } = statSync(file)
  const bytes = gzipSync(readFileSync(file))
  const cut = Math.floor(random() * bytes.length)
  writeFileSync(`${file}.gz`, bytes.subarray(0, cut))
  await sleep(random() * 10)
  appendFileSync(`${file}.gz`, bytes.subarray(cut))
  utimesSync(`${file}.gz`, atime, mtime)
  rmSync(file)
}

export interface TailerRun {
  readonly written: string[]
  readonly kept: TailerLine[]
  readonly rotations: number
  readonly compressed: number
}

/** A log that grows, is rotated in both ways and compressed, at once or one rotation later, while the process that tails it is killed again and again. */
export async function runTailerFaults({ kills, seed }: { kills: number; seed: number }): Promise<TailerRun> {
  const random = randomFrom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'reeve-tailer-'))
  const options: TailerOptions = { path: join(folder, 'authorizer.log'), output: join(folder, 'kept.jsonl'), batchBytes: 700 }
  const written: string[] = []
  let rotations = 0
  let compressed = 0
  const write = (): void => {
    for (let left = Math.ceil(random() * 40); left > 0; left--) {
      const number = written.length
      const text = number % 7 === 0 ? `[${number}] one\nmore of ${number} (logger)` : `[${number}] event ${'x'.repeat(number % 90)} (logger)`
      written.push(text)
      // A writer's buffer ends anywhere, in a line too.
      const cut = Math.floor(random() * text.length)
      appendFileSync(options.path, text.slice(0, cut))
      appendFileSync(options.path, `${text.slice(cut)}\n`)
    }
  }
  const nameOf = (number: number): string => `${options.path}.${String(number).padStart(4, '0')}`
  const compress = async (number: number): Promise<void> => {
    if (!existsSync(nameOf(number)) || random() < 0.3) return
    compressed++
    await gzip(nameOf(number), random)
  }
  const rotate = (): void => {
    rotations++
    const name = nameOf(rotations)
    if (random() < 0.5) renameSync(options.path, name)
    else {
      copyFileSync(options.path, name)
      truncateSync(options.path)
    }
  }
  /** Files that are rotated within one tick of the file system's clock have the same time. */
  const turn = async (): Promise<void> => {
    await sleep(12)
    rotate()
    await sleep(12)
    const delayed = random() < 0.5 ? 1 : 0
    if (random() < 0.5) await compress(rotations - delayed)
    write()
  }
  let child: ChildProcess | null = null
  try {
    write()
    for (let kill = 0; kill <= kills; kill++) {
      child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'log-tailer.ts'), JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      await once(child.stdout!, 'data')
      const rounds = 1 + Math.floor(random() * 6)
      for (let round = 0; round < rounds; round++) {
        write()
        if (random() < 0.3) await turn()
        await sleep(random() * 15)
      }
      if (kill === kills) await settled(options.output, written.length)
      child.kill('SIGKILL')
      await once(child, 'close')
      // While nobody looks.
      for (let turns = kill < kills && random() < 0.4 ? 1 + Math.floor(random() * 2) : 0; turns > 0; turns--) await turn()
    }
    return { written, kept: keptLines(options.output), rotations, compressed }
  } finally {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

/** Until everything is kept, or nothing more comes for five seconds. */
async function settled(output: string, count: number): Promise<void> {
  let size = -1
  for (let quiet = 0; quiet < 250;) {
    if (keptLines(output).reduce((sum, { texts }) => sum + texts.length, 0) >= count) return
    const now = statSync(output).size
    quiet = now === size ? quiet + 1 : 0
    size = now
    await sleep(20)
  }
}
