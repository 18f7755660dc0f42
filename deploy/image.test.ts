import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkout } from '#deploy/local/folders.ts'

const read = (file: string) => readFileSync(join(checkout, file), 'utf8')
/** Instructions, a continued one as one line. */
const instructions = read('deploy/Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter(line => /^[A-Z]+ /.test(line))
const ignored = read('.dockerignore').split('\n')
const last = instructions.slice(instructions.findLastIndex(line => line.startsWith('FROM ')))
const version = (JSON.parse(read('package.json')) as { version: string }).version

test('it is built in two stages on the Node that this checkout runs on, of a fixed version', () => {
  const node = /NODE_VERSION = '([\d.]+)'/.exec(read('deploy/local/bootstrap.js'))?.[1]
  expect(instructions[0]).toBe(`ARG NODE_VERSION=${node}`)
  expect(instructions.filter(line => line.startsWith('FROM '))).toEqual([
    'FROM node:${NODE_VERSION}-bookworm-slim AS dependencies',
    'FROM node:${NODE_VERSION}-bookworm-slim'
  ])
})

test('the image runs as somebody who is not root, by number, and looks after its own health without another program', () => {
  const user = last.find(line => line.startsWith('USER '))
  expect(user).toMatch(/^USER [1-9]\d*:[1-9]\d*$/)
  expect(last.indexOf(user!)).toBeLessThan(last.findIndex(line => line.startsWith('ENTRYPOINT ')))
  expect(last.some(line => /^HEALTHCHECK .*CMD \["node", /.test(line))).toBe(true)
})

test('nothing is installed in the last stage, nothing fetched, no secret taken as an argument', () => {
  expect(last.filter(line => /^(?:RUN|ADD) /.test(line))).toEqual([])
  for (const line of instructions) if (/^(?:ARG|ENV) /.test(line)) expect(line).not.toMatch(/password|secret|token|key/i)
})

test('everything that is copied is there and let through by .dockerignore, which holds all else back', () => {
  expect(ignored.find(line => line !== '' && !line.startsWith('#'))).toBe('*')
  const copied = instructions.filter(line => /^COPY (?!--from)/.test(line)).flatMap(line => line.split(' ').slice(1, -1))
  expect(copied.toSorted()).toEqual(['.npmrc', 'LICENSE', 'agents', 'config', 'package-lock.json', 'package.json', 'package.json', 'shared'])
  for (const source of copied) {
    expect(existsSync(join(checkout, source)), source).toBe(true)
    expect(ignored, source).toContain(`!${source}`)
  }
})

test('image, chart and package carry one version', () => {
  expect(last).toContain(`ARG VERSION=${version}`)
  expect(read('docker-compose.yml')).toContain(`image: reeve:${version}\n`)
  expect(read('deploy/helm/reeve/Chart.yaml')).toContain(`\nversion: ${version}\nappVersion: ${version}\n`)
})
