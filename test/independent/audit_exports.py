#!/usr/bin/env python3
"""Writes exports of made-up audit logs: good ones, and ones that somebody has altered, with the first bad sequence of each.

    python3 audit_exports.py --out DIR              the good one and all altered ones, and DIR/cases.json
    python3 audit_exports.py --out DIR --size 100000   one good log of that size alone, to measure with
    python3 audit_exports.py --judge FILE              what verify_audit.py says of each case in such a file, as JSON

Like verify_audit.py written from shared/audit/README.md, not from the code. Half of the alterations are of files; the others are made by somebody who holds
the keys, and writes the log anew from there on.
"""

import argparse
import base64
import copy
import functools
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import verify_audit  # noqa: E402
from made_up_logs import (FIRST, KINDS, ORIGIN, SECOND, STRANGER, Writer, canonical_bytes, get, note, put, set_at, without, write_anchor, write_bundles,  # noqa: E402
                          write_tiles)
from topic_exports import add_topics  # noqa: E402
from verify_audit import event_id_of, fingerprint_of, root_of, sha256, verify  # noqa: E402

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
        # The exports have most of their signatures in common.
        verify_audit.ed25519_holds = functools.cache(verify_audit.ed25519_holds)
        print(json.dumps([verify(case['export'], case['key'], case['anchors'], case['allowUnanchored'], case.get('earlier')) for case in cases]))
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
    add_topics(options.out, cases)
    put(os.path.join(options.out, 'cases.json'), json.dumps(cases).encode())


if __name__ == '__main__':
    main()
