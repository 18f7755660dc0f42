import { createPrivateKey, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { newAuthority } from './x509.ts'

test('an authority signs what it issues, and nothing that another issued', () => {
  const [authority, other] = [newAuthority('CN=one'), newAuthority('CN=other')]
  const root = new X509Certificate(authority.certificate)
  const issued = new X509Certificate(authority.issue({ subject: 'CN=reeve,OU=platform,O=House' }).certificate)
  expect(root.ca).toBe(true)
  expect(issued.ca).toBe(false)
  expect(issued.verify(root.publicKey) && issued.checkIssued(root)).toBe(true)
  expect(issued.verify(new X509Certificate(other.certificate).publicKey)).toBe(false)
  expect(issued.subject).toBe('O=House\nOU=platform\nCN=reeve')
})

test('a certificate has its own key, its hosts and its time', () => {
  const { certificate, key } = newAuthority('CN=one').issue({ subject: 'CN=server', hosts: ['localhost', '127.0.0.1'], validForMs: 5_000 })
  const issued = new X509Certificate(certificate)
  expect(issued.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(issued.checkHost('localhost')).toBe('localhost')
  expect(issued.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(issued.checkHost('elsewhere')).toBeUndefined()
  expect(Math.abs(issued.validToDate.getTime() - Date.now() - 5_000)).toBeLessThan(2_000)
})

test('an expired one was valid once', () => {
  const issued = new X509Certificate(newAuthority('CN=one').issue({ subject: 'CN=late', validForMs: -60_000 }).certificate)
  expect(issued.validToDate.getTime()).toBeLessThan(Date.now())
  expect(issued.validFromDate.getTime()).toBeLessThan(issued.validToDate.getTime())
})
