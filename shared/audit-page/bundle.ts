import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

const importLine = /^import\s*\{([^}]*)\}\s*from '\.\/([a-z-]+)\.ts'$/gm
const exportWord = /^export (?=(?:async )?function |const )/gm

/**
 * The modules of a folder that `main` needs, as one script without types: each is a function that gives what it exports. They may import one
 * another by name alone, in one direction; anything else is refused.
 */
export function bundle(folder: string, main: string): string {
  const done: string[] = []
  const parts: string[] = []
  const add = (name: string): void => {
    if (done.includes(name)) return
    done.push(name)
    const stripped = stripTypeScriptTypes(readFileSync(join(folder, `${name}.ts`), 'utf8'), { mode: 'strip' })
    const exported = [...stripped.matchAll(/^export (?:async )?(?:function|const) (\w+)/gm)].map(([, each]) => each)
    const code = stripped
      .replace(importLine, (_, names: string, from: string) => {
        add(from)
        const taken = names
          .split(',')
          .map(each => each.trim())
          .filter(each => each !== '')
        return taken.length === 0 ? '' : `const { ${taken.join(', ').replaceAll(' as ', ': ')} } = ${nameOf(from)}`
      })
      .replace(exportWord, '')
      .replace(/[ \t]+$/gm, '')
      .replace(/\n{2,}/g, '\n')
      .trim()
    const left = /^(?:import|export)\b.*/m.exec(code)
    if (left) throw new Error(`${name}.ts: a page takes no line such as ${left[0]}`)
    parts.push(`const ${nameOf(name)} = (() => {\n${code}\nreturn { ${exported.join(', ')} }\n})()`)
  }
  add(main)
  return `${parts.join('\n')}\n`
}

function nameOf(file: string): string {
  return `module_${file.replaceAll('-', '_')}`
}
