"""Writes made-up audit logs and their exports, with the keys in hand. Like verify_audit.py written from shared/audit/README.md, not from the code."""

import base64
import copy
import functools
import hashlib
import json
import os
import shutil
from urllib.parse import quote

from verify_audit import BASE, ORDER, TILE, Tree, event_id_of, fingerprint_of, point_bytes, root_of, sha256, sum_of_products, tile_name

CLUSTER, TOPIC, EARLIER = '5L6g3nShT-eMCtK--X86sw', 'audit.platform-operations', 'audit.platform-operations.2025'
NAME = f'reeve.audit/{CLUSTER}'
ORIGIN = f'{NAME}/{TOPIC}/0'


CLASSES = {'config.changed': 6003, 'topic.created': 6003, 'access.denied': 6005, 'access.folded': 6005, 'authentication.failed': 3002, 'change.attributed': 6003}
KINDS = (*CLASSES, 'line.unparsed')


class SigningKey:
    """RFC 8032 section 5.1.6, from a seed."""

    def __init__(self, seed, name=NAME):
        digest = hashlib.sha512(seed.ljust(32, b'.')).digest()
        self.name, self.prefix = name, digest[32:]
        self.scalar = int.from_bytes(digest[:32], 'little') & (2**254 - 8) | 2**254
        self.public = point_bytes(sum_of_products(self.scalar, BASE, 0, BASE))
        body = b'\1' + self.public
        self.id = sha256(name.encode() + b'\n' + body)[:4]
        self.vkey = f'{name}+{self.id.hex()}+{base64.b64encode(body).decode()}'

    @functools.cache
    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), 'little') % ORDER
        point = point_bytes(sum_of_products(r, BASE, 0, BASE))
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), 'little') % ORDER
        return point + ((r + k * self.scalar) % ORDER).to_bytes(32, 'little')


FIRST, SECOND, STRANGER, OLD = SigningKey(b'first'), SigningKey(b'second'), SigningKey(b'stranger'), SigningKey(b'old')


def canonical_bytes(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'), sort_keys=True).encode()


class Writer:
    """
    A log, written transaction by transaction. `alter` has functions by name that change what is about to be written: `event:<sequence>` the event before its
    fingerprint, `entry:<sequence>` the bytes of the entry, `trailer:<sequence>` the trailer, `signers:<size>` who signs a checkpoint.
    """

    def __init__(self, alter=None, origin=ORIGIN, first=FIRST):
        self.alter, self.origin = alter or {}, origin
        self.entries, self.trailers, self.checkpoints = [], [], {}
        self.tree, self.keys, self.leaving, self.before, self.trailer_hash = Tree(), [first], [], None, None

    def altered(self, name, value):
        return self.alter[name](value) if name in self.alter else value

    def append(self, event_type, unmapped=None, coordinate=None, **more):
        sequence = len(self.entries)
        coordinate = coordinate or f'made-up@{sequence}'
        class_uid = CLASSES.get(event_type, 1008)
        attestation = {'chain_uid': self.origin, 'uid': f'{self.origin}#{sequence}'}
        if self.before:
            attestation['prev_event'] = self.before
        event = {
            'eventSchema': 'reeve.audit.event', 'eventVersion': 1, 'eventId': event_id_of(event_type, coordinate), 'eventType': event_type,
            'source': 'mirror' if event_type.startswith('audit.') else 'metadata-log', 'timestamp': '2026-11-21T20:25:00.000Z',
            'correlationId': None, 'causationId': None, 'metadata': {'userId': 'User:anna', 'sessionId': None, 'traceId': None, 'environment': 'größer\u2028"\\\u0001'},
            'payload': {
                'class_uid': class_uid, 'class_name': 'API Activity', 'category_uid': class_uid // 1000, 'category_name': 'Application Activity',
                'type_uid': class_uid * 100 + sequence % 3, 'activity_id': sequence % 3, 'activity_name': 'Update', 'severity_id': 1, 'time': 1_795_292_700_000 + sequence,
                'metadata': {'version': '1.9.0-dev', 'product': {'name': 'Reeve', 'vendor_name': 'Reeve'}, 'profiles': ['record_integrity'], 'sequence': sequence},
                'actor': {'user': {'name': 'User:anna'}}, 'src_endpoint': {'ip': '192.0.2.7'}, 'api': {'operation': 'AlterConfigs'},
                'resources': [{'name': f'orders.{sequence % 11}', 'type': 'topic'}], 'unmapped': {**(unmapped or {}), 'coordinate': coordinate},
                'attestation_list': [attestation],
            }, **more,
        }
        event = self.altered(f'event:{sequence}', event)
        value = sha256(canonical_bytes(event)).hex()
        event['payload']['attestation_list'][0]['fingerprint'] = fingerprint_of(value)
        entry = self.altered(f'entry:{sequence}', canonical_bytes(event))
        self.before = {'fingerprint': fingerprint_of(value), 'type_uid': event['payload']['type_uid'], 'uid': event['eventId']}
        self.entries.append(entry)
        self.tree.append(entry)

    def close(self, **more):
        """Ends the transaction with its trailer."""
        sequence = len(self.entries)
        trailer = canonical_bytes(self.altered(f'trailer:{sequence}', {
            'format': 'reeve.audit.trailer/1', 'origin': self.origin, 'sequence': sequence, 'fingerprint': self.before['fingerprint']['value'], 'epoch': 3,
            'previous': self.trailer_hash, 'frontier': [node.hex() for node in self.tree.edge], 'signers': [key.vkey for key in self.signers()],
            'closedThroughMs': None, 'sources': {'metadata-log': {'through': {'offset': sequence * 2}, 'resume': {'offset': sequence}}}, **more,
        }))
        self.trailer_hash = sha256(trailer).hex()
        self.trailers.append(trailer)

    def signers(self):
        return self.leaving + self.keys[-1:]

    def checkpoint(self, said=None, **trailer):
        self.append('audit.checkpoint', {'trailer': self.trailer_hash, 'epoch': 3, 'powers': 'unknown: not asked', 'excluded': [], 'silent': [], **(said or {})})
        self.close(**trailer)
        self.sign()
        self.leaving = []

    def sign(self):
        size = len(self.entries)
        self.checkpoints[size] = note(self.origin, size, root_of(self.tree.edge), self.altered(f'signers:{size}', self.signers()))

    def rotate(self, new):
        old, sequence = self.keys[-1], len(self.entries)
        statement = f'reeve.audit key rotation\n{self.origin}\n{sequence}\n{old.vkey}\n{new.vkey}\n'
        by_old, by_new = (base64.b64encode(key.sign(statement.encode())).decode() for key in (old, new))
        self.append('audit.key-rotated', {'rotation': {'statement': statement, 'byOld': by_old, 'byNew': by_new}})
        self.keys, self.leaving = self.keys + [new], [old]

    def end(self):
        """As a topic says it that goes on where this one ended."""
        size = len(self.entries)
        return {'checkpoint': sha256(self.checkpoints[size]).hex(), 'fingerprint': self.before['fingerprint']['value'], 'origin': self.origin,
                'root': root_of(self.tree.edge).hex(), 'size': size}

    def end(self):
        """As a topic says it that goes on where this one ended."""
        size = max(self.checkpoints)
        return {'checkpoint': sha256(self.checkpoints[size]).hex(), 'fingerprint': json.loads(self.trailers[-1])['fingerprint'], 'origin': self.origin,
                'root': root_of(self.tree.edge).hex(), 'size': size}

    def cut(self, size):
        """The log as it was when its newest checkpoint was of this size."""
        log = copy.copy(self)
        log.entries, log.checkpoints = self.entries[:size], {at: text for at, text in self.checkpoints.items() if at <= size}
        log.trailers = [trailer for trailer in self.trailers if json.loads(trailer)['sequence'] <= size]
        return log

    def write(self, folder):
        write_export(folder, TOPIC, {0: self})


class Topic:
    """
    A topic of several logs with one writer, or of one. `alter` is that of Writer by partition, `began` what audit.began has more than it must, `heads(number, heads)`
    changes those of the audit.checkpoint with this number, counted from 0, in all logs alike.
    """

    def __init__(self, chains=3, alter=None, topic=TOPIC, began=None, heads=None, first=FIRST, logs=None):
        self.topic, self.chains, self.heads, self.turn, self.number = topic, chains, heads, 0, 0
        self.logs = [Writer((alter or {}).get(partition), f'{NAME}/{topic}/{partition}', first) for partition in range(logs or chains or 1)]
        more = {**({} if chains is None else {'chains': chains}), **(began or {})}
        for log in self.logs:
            log.append('audit.began', {'origin': log.origin, 'vkey': first.vkey, 'topicId': 'tpWmA7QsQ1OQmHq1Yw0abc', **more}, f'{log.origin}#0')

    def events(self, *counts):
        """Into the open transaction: so many in the log of each partition, of a source whose events belong there."""
        for partition, (log, count) in enumerate(zip(self.logs, counts)):
            for _ in range(count):
                log.append('access.denied', {}, f'{source_of(partition, len(self.logs))}@{len(log.entries)}', source='server-log')

    def trailer(self):
        """What the trailers of one transaction have alike."""
        self.turn += 1
        sources = {source_of(partition, len(self.logs)): {'through': self.turn, 'resume': self.turn} for partition in range(len(self.logs))}
        return {'sources': sources, **({} if self.chains is None else {'turn': self.turn})}

    def commit(self):
        trailer = self.trailer()
        for log in self.logs:
            if ended(log)['size'] < len(log.entries):
                log.close(**trailer)

    def checkpoint(self, **said):
        """Ends the open transaction with one of each log."""
        if self.chains is not None:
            heads = [ended(log) for log in self.logs]
            said['heads'] = self.heads(self.number, heads) if self.heads else heads
        trailer = self.trailer()
        for log in self.logs:
            log.checkpoint(said, **trailer)
        self.number += 1

    def write(self, folder):
        write_export(folder, self.topic, dict(enumerate(self.logs)))


@functools.cache
def source_of(partition, logs):
    """The name of a source whose events are in this log: section 13."""
    names = (f'server-log/{number}' for number in range(1_000))
    return next(name for name in names if int.from_bytes(sha256(name.encode())[:4], 'big') % logs == partition)


def ended(log):
    """Where a log ended before the open transaction."""
    trailer = json.loads(log.trailers[-1]) if log.trailers else {'sequence': 0, 'fingerprint': None}
    return {'fingerprint': trailer['fingerprint'], 'origin': log.origin, 'size': trailer['sequence']}


def write_export(folder, topic, logs):
    described = []
    for partition, log in logs.items():
        path, size = os.path.join(folder, str(partition)), len(log.entries)
        write_tiles(path, log.entries)
        for at, text in log.checkpoints.items():
            put(os.path.join(path, 'checkpoints', f'{at:020d}'), text)
        put(os.path.join(path, 'checkpoint'), log.checkpoints[size])
        put(os.path.join(path, 'trailers'), b''.join(trailer + b'\n' for trailer in log.trailers))
        described.append({'origin': f'{NAME}/{topic}/{partition}', 'partition': partition, 'path': str(partition), 'size': size,
                          'vkeys': [key.vkey for key in log.keys], 'behind': 0})
    put(os.path.join(folder, 'manifest.json'), canonical_bytes({'format': 'reeve.audit.export/1', 'clusterId': CLUSTER, 'topic': topic, 'logs': described}))


def note(origin, size, root, keys):
    text = f'{origin}\n{size}\n{base64.b64encode(root).decode()}\n'
    lines = [f'\u2014 {key.name} {base64.b64encode(key.id + key.sign(text.encode())).decode()}\n' for key in keys]
    return (text + '\n' + ''.join(lines)).encode()


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data)


def get(path):
    with open(path, 'rb') as file:
        return file.read()


def write_tiles(log, entries):
    shutil.rmtree(os.path.join(log, 'tile'), ignore_errors=True)
    write_bundles(log, entries)
    tree = Tree()
    for entry in entries:
        tree.append(entry)
    for level, nodes in enumerate(tree.levels):
        for at in range(0, len(nodes), TILE):
            tile = nodes[at:at + TILE]
            put(os.path.join(log, 'tile', tile_name(level, at // TILE, len(tile))), b''.join(tile))


def write_bundles(log, entries):
    for at in range(0, len(entries), TILE):
        bundle = entries[at:at + TILE]
        put(os.path.join(log, 'tile', tile_name('entries', at // TILE, len(bundle))),
            b''.join((len(entry) & 0xFFFF).to_bytes(2, 'big') + entry for entry in bundle))


def write_anchor(folder, checkpoints, origin=ORIGIN):
    for size, text in checkpoints.items():
        put(os.path.join(folder, quote(origin, safe="-_.!~*'()"), f'{size:016d}.checkpoint'), text)


def set_at(path, value):
    """A function that sets one member of an event or trailer."""
    def alter(event):
        event, names = copy.deepcopy(event), path.split('/')
        at = event
        for name in names[:-1]:
            at = at[int(name) if isinstance(at, list) else name]
        at[names[-1]] = value
        return event
    return alter


def without(path):
    def alter(event):
        event, names = copy.deepcopy(event), path.split('/')
        at = event
        for name in names[:-1]:
            at = at[name]
        del at[names[-1]]
        return event
    return alter
