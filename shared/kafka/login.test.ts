import { expect, test } from 'vitest'
import { certificateRefusal } from './login.ts'

const connection = { brokers: ['b:1'], clientId: 'c', tls: {} }
const chain = (...messages: string[]) => messages.reduceRight<Error | undefined>((cause, message) => new Error(message, { cause }), undefined)

test.each([
  ['tlsv13 alert certificate required', 'certificate required'],
  ['ssl/tls alert bad certificate', 'bad certificate'],
  ['C05C:error:0A000416:SSL routines:ssl3_read_bytes:ssl/tls alert certificate unknown:../ssl:SSL alert number 46', 'certificate unknown'],
  ['tlsv1 alert unknown ca', 'unknown ca'],
  ['sslv3 alert certificate expired', 'certificate expired']
])('the alert %s is a refused certificate, however deep it lies', (message, alert) => {
  const fault = certificateRefusal(connection, chain('Connection error', 'x', message), false, 'asked')
  expect(fault).toMatchObject({ kind: 'tls', retriable: false, outcome: 'refused' })
  expect(fault!.message).toContain(`asked: the broker refused this client's certificate (TLS alert "${alert}"): this client shows none; check tls.certFile`)
})

test('an end before the first answer may be one, too; later it is none', () => {
  const fault = certificateRefusal(connection, chain('Connection error', 'write ECONNRESET'), false, 'asked')
  expect(fault).toMatchObject({ kind: 'tls', retriable: true, outcome: 'unknown' })
  expect(fault!.message).toContain('the broker hung up before its first answer')
  expect(certificateRefusal(connection, chain('read ECONNRESET'), true, 'asked')).toBeNull()
})

test('without TLS, and for what has nothing to do with certificates, it is nothing', () => {
  expect(certificateRefusal({ ...connection, tls: undefined } as never, chain('alert bad certificate'), false, 'asked')).toBeNull()
  expect(certificateRefusal(connection, chain('Request timed out'), false, 'asked')).toBeNull()
  expect(certificateRefusal(connection, chain('unable to verify the first certificate'), false, 'asked')).toBeNull()
  expect(certificateRefusal(connection, 'no error', false, 'asked')).toBeNull()
})
