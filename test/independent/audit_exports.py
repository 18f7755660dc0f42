#!/usr/bin/env python3
"""Writes exports of a made-up audit log: a good one, and ones that somebody has altered, with the first bad sequence of each.

    python3 audit_exports.py --out DIR              the good one and all altered ones, and DIR/cases.json
    python3 audit_exports.py --out DIR --size 100000   one good log of that size alone, to measure with
    python3 audit_exports.py --judge FILE              what verify_audit.py says of each case in such a file, as JSON

Like verify_audit.py written from shared/audit/README.md, not from the code. Half of the alterations are of files; the others are made by somebody who holds
the keys, and writes the log anew from there on.
"""

import argparse
import base64
import copy
import hashlib
import json
import os
import shutil
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from verify_audit import BASE, ORDER, TILE, Tree, event_id_of, fingerprint_of, point_bytes, root_of, sha256, sum_of_products, tile_name, verify  # noqa: E402

CLUSTER, TOPIC = '5L6g3nShT-eMCtK--X86sw', 'audit.platform-operations'
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

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), 'little') % ORDER
        point = point_bytes(sum_of_products(r, BASE, 0, BASE))
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), 'little') % ORDER
        return point + ((r + k * self.scalar) % ORDER).to_bytes(32, 'little')


FIRST, SECOND, STRANGER = SigningKey(b'first'), SigningKey(b'second'), SigningKey(b'stranger')


def canonical_bytes(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'), sort_keys=True).encode()


class Writer:
    """
    A log, written transaction by transaction. `alter` has functions by name that change what is about to be written: `event:<sequence>` the event before its
    fingerprint, `entry:<sequence>` the bytes of the entry, `trailer:<sequence>` the trailer, `signers:<size>` who signs a checkpoint.
    """

    def __init__(self, alter=None, origin=ORIGIN):
        self.alter, self.origin = alter or {}, origin
        self.entries, self.trailers, self.checkpoints = [], [], {}
        self.tree, self.keys, self.leaving, self.before, self.trailer_hash = Tree(), [FIRST], [], None, None

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

    def close(self):
        """Ends the transaction with its trailer."""
        sequence = len(self.entries)
        trailer = canonical_bytes(self.altered(f'trailer:{sequence}', {
            'format': 'reeve.audit.trailer/1', 'origin': self.origin, 'sequence': sequence, 'fingerprint': self.before['fingerprint']['value'], 'epoch': 3,
            'previous': self.trailer_hash, 'frontier': [node.hex() for node in self.tree.edge], 'signers': [key.vkey for key in self.signers()],
            'closedThroughMs': None, 'sources': {'metadata-log': {'through': {'offset': sequence * 2}, 'resume': {'offset': sequence}}},
        }))
        self.trailer_hash = sha256(trailer).hex()
        self.trailers.append(trailer)

    def signers(self):
        return self.leaving + self.keys[-1:]

    def checkpoint(self):
        self.append('audit.checkpoint', {'trailer': self.trailer_hash, 'epoch': 3, 'powers': 'unknown: not asked', 'excluded': [], 'silent': []})
        self.close()
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

    def write(self, folder):
        size = len(self.entries)
        log = os.path.join(folder, '0')
        self.write_tiles(log)
        for at, text in self.checkpoints.items():
            put(os.path.join(log, 'checkpoints', f'{at:020d}'), text)
        put(os.path.join(log, 'checkpoint'), self.checkpoints[size])
        put(os.path.join(log, 'trailers'), b''.join(trailer + b'\n' for trailer in self.trailers))
        manifest = {'format': 'reeve.audit.export/1', 'clusterId': CLUSTER, 'topic': TOPIC, 'logs': [
            {'origin': ORIGIN, 'partition': 0, 'path': '0', 'size': size, 'vkeys': [key.vkey for key in self.keys], 'behind': 0}]}
        put(os.path.join(folder, 'manifest.json'), canonical_bytes(manifest))

    def write_tiles(self, log):
        write_tiles(log, self.entries)


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


def write_anchor(folder, checkpoints):
    for size, text in checkpoints.items():
        put(os.path.join(folder, quote(ORIGIN, safe="-_.!~*'()"), f'{size:016d}.checkpoint'), text)


# The log of all cases: 300 entries, a transaction every seven, a rotation at 100; its checkpoints have the sizes 60, 150, 256 and 300.
SIZES, ROTATED = (60, 150, 256, 300), 100


def made_up(alter=None, until=300, origin=ORIGIN):
    log = Writer(alter, origin)
    log.append('audit.began', {'origin': origin, 'vkey': FIRST.vkey, 'topicId': 'tpWmA7QsQ1OQmHq1Yw0abc'})
    while len(log.entries) < until:
        sequence = len(log.entries)
        if sequence + 1 in SIZES:
            log.close()
            log.checkpoint()
            continue
        if sequence == ROTATED:
            log.rotate(SECOND)
        else:
            log.append(KINDS[sequence % len(KINDS)], {'after': {'retention.ms': str(sequence)}})
        if sequence % 7 == 0 and len(log.entries) + 1 not in SIZES:
            log.close()
    return log


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


def other_entry(entry, fingerprint):
    """The entry with a byte of its text changed; with its own fingerprint made anew, or left."""
    event = json.loads(entry.replace(b'User:anna', b'User:anne'))
    if fingerprint:
        attestation = event['payload']['attestation_list'][0]
        del attestation['fingerprint']
        attestation['fingerprint'] = fingerprint_of(sha256(canonical_bytes(event)).hex())
    return canonical_bytes(event)


class Cases:
    def __init__(self, out):
        self.out, self.cases = out, []
        self.good = made_up()
        self.log = None

    def add(self, name, sequence, log=None, anchor=None, files=None, verified=False, anchored=None):
        """One export: of `log`, with `files(folder of the log)` altered; `anchor` are the checkpoints that one holds."""
        number = f'{len(self.cases):02d}'
        export = os.path.join(self.out, number, 'export')
        (log or self.good).write(export)
        if files:
            files(os.path.join(export, '0'))
        anchors = []
        if anchor is not None:
            anchors = [os.path.join(self.out, number, 'anchor')]
            os.makedirs(anchors[0])
            write_anchor(anchors[0], anchor)
        self.cases.append({'name': name, 'export': export, 'key': FIRST.vkey, 'anchors': anchors, 'allowUnanchored': anchor is None if anchored is None else False,
                           'verified': verified, 'sequence': sequence})

    def entries(self, change, tiles=True):
        """Alters the list of entries of an export; its tiles are made anew, or left."""
        def files(log):
            entries = list(self.good.entries)
            change(entries)
            write_tiles(log, entries[:300]) if tiles else write_bundles(log, entries[:300])
        return files

    def file(self, path, change):
        def files(log):
            put(os.path.join(log, path), change(get(os.path.join(log, path))))
        return files

    def all(self):
        good, trailers = self.good, [json.loads(trailer)['sequence'] for trailer in self.good.trailers]
        middle = len(trailers) // 2
        add, entries, file = self.add, self.entries, self.file
        checkpoint = 'checkpoints/%020d'

        add('the good export', None, verified=True)
        add('the good export beside its anchor', None, anchor=good.checkpoints, verified=True)
        add('an older export of the same log beside an anchor of then', None, log=made_up(until=256),
            anchor={size: good.checkpoints[size] for size in SIZES[:3]}, verified=True)
        add('no anchor, and nobody allowed it', None, anchor={}, anchored=False)

        def flip(fingerprint):
            def change(all_entries):
                all_entries[120] = other_entry(all_entries[120], fingerprint)
            return change

        add('a flipped byte in an entry', 120, files=entries(flip(False), tiles=False))
        add('a flipped byte in an entry, its tiles made anew', 120, files=entries(flip(False)))
        add('a flipped byte in an entry, its fingerprint made anew', 120, files=entries(flip(True), tiles=False))
        add('a flipped byte in an entry, its fingerprint and tiles made anew', 121, files=entries(flip(True)))

        anew = made_up({'event:120': set_at('payload/actor/user/name', 'User:anne')})
        forked = copy.copy(anew)
        anew = copy.copy(anew)
        anew.checkpoints = good.checkpoints
        add('a log made anew from an entry on by somebody without the keys', 149, log=anew)
        add('a forked head', 60, log=forked, anchor=good.checkpoints)
        add('a cut tail', 256, log=made_up(until=256), anchor=good.checkpoints)

        add('an anchor that holds garbage', 60, anchor={**good.checkpoints, 150: b'\xff\x00garbage'})
        add("an anchor that holds a stranger's checkpoint", 60, anchor={**good.checkpoints, 150: note(ORIGIN, 150, b'\1' * 32, [STRANGER])})
        add('an anchor that holds one checkpoint under the name of another', 60, anchor={**good.checkpoints, 150: good.checkpoints[256]})
        add('a copy of what an anchor holds, of another tree', 0,
            files=lambda log: put(os.path.join(log, 'anchors/keeper', f'{150:020d}'), forked.checkpoints[150]))
        add('a copy of what an anchor holds, beyond the end', 256, log=made_up(until=256),
            files=lambda log: put(os.path.join(log, 'anchors/keeper', f'{300:020d}'), good.checkpoints[300]))

        def swap(all_entries):
            all_entries[130], all_entries[131] = all_entries[131], all_entries[130]

        add('a reordered pair', 130, files=entries(swap))
        add('a dropped entry', 140, files=entries(lambda all_entries: all_entries.pop(140)))
        add('a doubled entry', 141, files=entries(lambda all_entries: all_entries.insert(140, all_entries[140])))
        add('an entry with the next number, all made anew by the holder of the keys', 160, log=made_up({'event:160': set_at('payload/metadata/sequence', 161)}))
        add('an entry of 65,536 bytes', 200, files=entries(lambda all_entries: all_entries.__setitem__(200, all_entries[200].ljust(65_536, b' '))))
        add('an empty entry', 256, files=entries(lambda all_entries: all_entries.__setitem__(256, b'')))
        add('a bundle that ends early', 299, files=file('tile/entries/001.p/44', lambda data: data[:-1]))
        add('a bundle that holds more', 299, files=file('tile/entries/001.p/44', lambda data: data + b'\0\2{}'))
        add('a missing bundle', 256, files=lambda log: os.remove(os.path.join(log, 'tile/entries/001.p/44')))

        add('an edited size in a checkpoint', 149, files=file(checkpoint % 150, lambda data: data.replace(b'\n150\n', b'\n151\n')))
        root = good.checkpoints[60].split(b'\n')[2]
        add('an edited root in a checkpoint', 149, files=file(checkpoint % 150, lambda data: data.replace(data.split(b'\n')[2], root)))
        add('a checkpoint of another key', 299, log=made_up({'signers:300': lambda _: [STRANGER]}))
        add('a checkpoint of the first key after its time', 255, log=made_up({'signers:256': lambda _: [FIRST]}))
        add('a checkpoint of another origin', 149, files=file(checkpoint % 150, lambda data: data.replace(b'operations/0\n', b'operations/1\n', 1)))
        add('a checkpoint that is garbage', 59, files=file(checkpoint % 60, lambda _: b'\xff\x00garbage'))
        add('a newest checkpoint that is another', 299, files=file('checkpoint', lambda _: good.checkpoints[256]))
        add('a missing checkpoint', 149, files=lambda log: os.remove(os.path.join(log, checkpoint % 150)))
        early = made_up(until=100)
        add('a checkpoint of what is no audit.checkpoint', 99,
            files=lambda log: put(os.path.join(log, checkpoint % 100), note(ORIGIN, 100, root_of(early.tree.edge), [FIRST])))

        add('a missing tile', 256, files=lambda log: os.remove(os.path.join(log, 'tile/0/001.p/44')))
        add('a wrong partial tile', 266, files=file('tile/0/001.p/44', lambda data: data[:330] + bytes([data[330] ^ 1]) + data[331:]))
        add('a wrong tile above', 255, files=file('tile/1/000.p/1', lambda data: bytes([data[0] ^ 1]) + data[1:]))
        add('a partial tile that is too short', 299, files=file('tile/0/001.p/44', lambda data: data[:-32]))

        add('a tile of no entry', 299, files=lambda log: put(os.path.join(log, 'tile/0/007'), b'\0' * 8_192))
        add('a checkpoint of more entries than there are', 299,
            files=lambda log: put(os.path.join(log, checkpoint % 400), note(ORIGIN, 400, b'\0' * 32, [SECOND])))

        def lines(change):
            return file('trailers', lambda data: b''.join(line + b'\n' for line in change(data.split(b'\n')[:-1])))

        add('an edited trailer', trailers[middle + 1] - 1,
            files=lines(lambda all_lines: all_lines[:middle] + [all_lines[middle].replace(b'"epoch":3', b'"epoch":4')] + all_lines[middle + 1:]))
        add('a missing trailer', trailers[middle + 1] - 1, files=lines(lambda all_lines: all_lines[:middle] + all_lines[middle + 1:]))
        add('no trailers at all', 0, files=lambda log: os.remove(os.path.join(log, 'trailers')))
        add('a missing last trailer', 299, files=lines(lambda all_lines: all_lines[:-1]))
        add('an unknown record among the trailers', trailers[middle - 1] - 1, files=lines(lambda all_lines: all_lines[:middle] + [b'{}'] + all_lines[middle:]))
        add('a trailer with another edge of the tree', 299, log=made_up({'trailer:300': set_at('frontier', ['00' * 32] * 4)}))
        add('a trailer with other signers', 299, log=made_up({'trailer:300': set_at('signers', [FIRST.vkey])}))
        add('an audit.checkpoint that names another trailer', 255, log=made_up({'event:255': set_at('payload/unmapped/trailer', 'ab' * 32)}))

        add('another origin', 0, log=made_up(origin=ORIGIN[:-1] + '1'))
        add('a first entry that names another key', None, log=made_up({'event:0': set_at('payload/unmapped/vkey', STRANGER.vkey)}))
        add('a space in an entry', 170, log=made_up({'entry:170': lambda entry: entry.replace(b'"eventVersion":1', b'"eventVersion": 1')}))
        add('members out of order in an entry', 170, log=made_up({'entry:170': lambda entry: b'{"zzz":0,' + entry[1:]}))
        add('a number that is no integer', 170, log=made_up({'entry:170': lambda entry: entry.replace(b'"eventVersion":1', b'"eventVersion":1.0')}))
        add('an eventId that does not follow from its coordinate', 180, log=made_up({'event:180': set_at('payload/unmapped/coordinate', 'elsewhere')}))
        twice = event_id_of('config.changed', 'made-up@175')
        add('one place in the source twice', 182, log=made_up({'event:182': lambda event: set_at('eventId', twice)(
            set_at('payload/unmapped/coordinate', 'made-up@175')(event))}))
        add('an entry with a member more', 183, log=made_up({'event:183': set_at('remark', 'x')}))
        add('an entry without a member', 184, log=made_up({'event:184': without('correlationId')}))
        add('an entry with another entry before it', 190, log=made_up({'event:190': set_at('payload/attestation_list/0/prev_event', good_before(good, 188))}))

        forged = base64.b64encode(STRANGER.sign(b'whatever')).decode()
        add('a forged rotation of keys', ROTATED, log=made_up({f'event:{ROTATED}': set_at('payload/unmapped/rotation/byOld', forged)}))
        add('a rotation that the new key did not sign', ROTATED, log=made_up({f'event:{ROTATED}': without('payload/unmapped/rotation/byNew')}))
        add('a first checkpoint after a rotation that the old key did not sign', 149, log=made_up({'signers:150': lambda _: [SECOND]}))

        def larger(log):
            path = os.path.join(log, '..', 'manifest.json')
            put(path, get(path).replace(b'"size":300', b'"size":301'))

        add('a manifest that says more entries', 256, files=larger)
        add('a manifest that is garbage', None, files=lambda log: put(os.path.join(log, '..', 'manifest.json'), b'{"format":'))
        return self.cases


def good_before(log, sequence):
    event = json.loads(log.entries[sequence])
    return {'fingerprint': event['payload']['attestation_list'][0]['fingerprint'], 'type_uid': event['payload']['type_uid'], 'uid': event['eventId']}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out')
    parser.add_argument('--size', type=int)
    parser.add_argument('--judge')
    options = parser.parse_args()
    if options.judge:
        cases = json.loads(get(options.judge))
        print(json.dumps([verify(case['export'], case['key'], case['anchors'], case['allowUnanchored']) for case in cases]))
        return
    if options.size:
        log = Writer()
        log.append('audit.began', {'origin': ORIGIN, 'vkey': FIRST.vkey, 'topicId': 'tpWmA7QsQ1OQmHq1Yw0abc'})
        while len(log.entries) < options.size:
            last = len(log.entries) + 1 == options.size
            log.checkpoint() if last or len(log.entries) % 1000 == 999 else log.append(KINDS[len(log.entries) % len(KINDS)], {'after': {}})
        log.write(options.out)
        print(FIRST.vkey)
        return
    cases = Cases(options.out).all()
    put(os.path.join(options.out, 'cases.json'), json.dumps(cases).encode())


if __name__ == '__main__':
    main()
