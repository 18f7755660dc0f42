#!/usr/bin/env python3
"""Verifies an export of an audit log, without Reeve's code.

Written from the specification, shared/audit/README.md (and shared/anchors/README.md for the layout of an anchor's directory), and from the documents
that it names: C2SP signed-note, tlog-checkpoint and tlog-tiles, RFC 6962, 8032, 8785 and 9562. Not from the code that writes or verifies logs: two
readings of one text that agree say more than one reading twice. Python 3.9 or later, its standard library alone.

    python3 verify_audit.py --export DIR --key VKEY [--earlier DIR] [--anchor DIR ...] [--allow-unanchored] [--anchored-within SECONDS] [--json]
    python3 verify_audit.py --self-test

`--earlier` is an export of the topic that this one continues. What anchors hold of it, a call of its own says.
Exit code 0: everything of the specification's section 10 holds. 1: something does not; the first bad sequence and the reason are printed. 2: a wrong call.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys
import time
from datetime import datetime, timezone
from urllib.parse import quote

LARGEST = 2**53 - 1
ENTRY_BYTES = 65_535
NOTE_BYTES = 1_000_000
TILE = 256
HEX = re.compile(r'[0-9a-f]{64}')
TIMESTAMP = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', re.ASCII)
EVENT_TYPE = re.compile(r'[a-z]+(\.[a-z]+(-[a-z]+)*)+')
ORIGIN = re.compile(r'(?P<name>.+/[^/]+)/(?P<topic>[^/]+)/(?P<partition>0|[1-9][0-9]*)')
# Unicode White_Space, and '+': what no name may hold.
NAME = re.compile('[^\\x00-\\x20\\x7f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000+]+')
MEMBERS = ('eventSchema', 'eventVersion', 'eventId', 'eventType', 'source', 'timestamp', 'correlationId', 'causationId', 'metadata', 'payload')
CONTEXT = ('userId', 'sessionId', 'traceId', 'environment')
CLASSES = {6003, 3002, 6005, 1008}
SOURCES = {'metadata-log', 'admin-scan', 'authorizer-log', 'request-log', 'server-log', 'journal', 'mirror'}
TRAILER_MEMBERS = ('format', 'origin', 'sequence', 'fingerprint', 'epoch', 'previous', 'frontier', 'signers', 'closedThroughMs', 'sources')
MOST_CHAINS = 16
HEAD_MEMBERS, END_MEMBERS = ('fingerprint', 'origin', 'size'), ('checkpoint', 'fingerprint', 'origin', 'root', 'size')

class Doubt(Exception):
    """Something that is not as the specification says."""


class Surplus(Doubt):
    """More behind the last entry than there should be."""


def require(holds, reason):
    if not holds:
        raise Doubt(reason)


def shown(value):
    """A value of a file, short, in ASCII, without anything that a terminal obeys."""
    text = ascii(value)
    return text if len(text) <= 120 else text[:117] + '...'


def sha256(data):
    return hashlib.sha256(data).digest()


def is_integer(value, least=-LARGEST):
    return type(value) is int and least <= value <= LARGEST


def is_hash(value):
    return isinstance(value, str) and HEX.fullmatch(value) is not None


def is_text_or_null(value):
    return value is None or isinstance(value, str)


def is_time(value):
    if not isinstance(value, str) or not TIMESTAMP.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value[:-1]) is not None
    except ValueError:
        return False


def require_members(value, names, what):
    require(isinstance(value, dict), f'{what} is not an object')
    for name in names:
        require(name in value, f'{what} has no {name}')
    require(len(value) == len(names), f'{what} has a member that it should not have: ' + shown(sorted(value.keys() - set(names))))


def unbase64(text):
    """RFC 4648 section 4, with padding and no bit other than needed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Doubt('is not base64: ' + shown(text)) from None
    require(base64.b64encode(data).decode() == text, 'is not base64 as RFC 4648 writes it: ' + shown(text))
    return data


# --- Ed25519, RFC 8032 section 5.1 ---------------------------------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def double(a):
    x, y = a[0] * a[0] % P, a[1] * a[1] % P
    h = x + y
    e = h - (a[0] + a[1]) * (a[0] + a[1])
    g = x - y
    f = 2 * a[2] * a[2] + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_from(data):
    """The point that 32 bytes stand for, or None."""
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (2**255 - 1)
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def point_bytes(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def sum_of_products(s, a, t, b):
    """[s]a + [t]b in one run."""
    both, total = add(a, b), IDENTITY
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        total = double(total)
        which = (s >> bit & 1) | (t >> bit & 1) << 1
        if which:
            total = add(total, (a, b, both)[which - 1])
    return total


BASE = point_from(bytes([0x58]) + bytes([0x66]) * 31)


def ed25519_holds(public, signature, message):
    a = point_from(public)
    if a is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], 'little')
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % ORDER
    minus_a = (P - a[0], a[1], 1, P - a[3])
    return point_bytes(sum_of_products(s, BASE, k, minus_a)) == signature[:32]


# --- Keys, notes, checkpoints: C2SP signed-note and tlog-checkpoint ------------------------------------------------------------------------------

class Key:
    """A verifier key: name, id and public key from `<name>+<id>+<base64>`."""

    def __init__(self, text):
        require(isinstance(text, str), 'is not a key: ' + shown(text))
        parts = text.split('+', 2)
        require(len(parts) == 3 and NAME.fullmatch(parts[0]) and re.fullmatch('[0-9a-f]{8}', parts[1]), 'is not a key: ' + shown(text))
        body = unbase64(parts[2])
        require(len(body) == 33 and body[0] == 1 and point_from(body[1:]), 'is not an Ed25519 key: ' + shown(text))
        self.text, self.name, self.id, self.public = text, parts[0], bytes.fromhex(parts[1]), body[1:]
        require(sha256(self.name.encode() + b'\n' + body)[:4] == self.id, 'has not the id of its key: ' + shown(text))

    def __eq__(self, other):
        return self.text == other.text

    def __hash__(self):
        return hash(self.text)


class Checkpoint:
    """A signed tree head, its form checked; who signed it is not yet."""

    def __init__(self, data):
        try:
            note = data.decode('utf-8')
        except UnicodeDecodeError:
            raise Doubt('checkpoint is not UTF-8') from None
        require(not re.search('[\x00-\x09\x0b-\x1f]', note), 'checkpoint holds a control character')
        text, border, signatures = note.rpartition('\n\n')
        require(border and signatures.endswith('\n'), 'checkpoint is not a signed note')
        lines = text.split('\n')
        require(len(lines) == 3, f'checkpoint has {len(lines)} lines, not three')
        self.origin = lines[0]
        require(re.fullmatch('0|[1-9][0-9]{0,15}', lines[1]) and int(lines[1]) <= LARGEST, 'checkpoint has no size: ' + shown(lines[1]))
        self.size = int(lines[1])
        self.root = unbase64(lines[2])
        require(len(self.root) == 32, 'the root in the checkpoint is not 32 bytes')
        self.signed = (text + '\n').encode()
        self.signatures = []
        for line in signatures[:-1].split('\n'):
            parts = line.split(' ')
            require(len(parts) == 3 and parts[0] == '\u2014' and NAME.fullmatch(parts[1]), 'checkpoint has a line that is no signature: ' + shown(line))
            signature = unbase64(parts[2])
            require(len(signature) > 4, 'checkpoint has a signature without bytes')
            self.signatures.append((parts[1], signature[:4], signature[4:]))

    def signers(self, keys):
        """Those of the keys that signed it. A known key's signature that does not verify is a doubt; others' signatures are nothing."""
        found = set()
        for name, key_id, signature in self.signatures:
            for key in keys:
                if (key.name, key.id) == (name, key_id):
                    require(ed25519_holds(key.public, signature, self.signed), 'a signature of the checkpoint does not verify')
                    found.add(key)
        return found


# --- Tree: RFC 6962 section 2.1 ------------------------------------------------------------------------------------------------------------------

class Tree:
    """The right edge of a tree, and the hashes that tiles are made of: `levels[n]` are the roots of the complete subtrees of 256**n leaves."""

    def __init__(self):
        self.size, self.edge, self.levels = 0, [], [[]]

    def append(self, entry):
        node, height, rest = sha256(b'\0' + entry), 0, self.size
        self.levels[0].append(node)
        while rest & 1:
            node, height, rest = sha256(b'\1' + self.edge.pop() + node), height + 1, rest >> 1
            if height % 8 == 0:
                if len(self.levels) == height // 8:
                    self.levels.append([])
                self.levels[height // 8].append(node)
        self.edge.append(node)
        self.size += 1


def root_of(edge):
    root = edge[-1]
    for left in reversed(edge[:-1]):
        root = sha256(b'\1' + left + root)
    return root


# --- Canonical JSON: RFC 8785, integers alone ----------------------------------------------------------------------------------------------------

def object_in_order(pairs):
    names = [name for name, _ in pairs]
    units = names if ''.join(names).isascii() else [name.encode('utf-16-be', 'surrogatepass') for name in names]
    require(units == sorted(set(units)), 'is not canonical: members out of order or doubled')
    return dict(pairs)


def no_fraction(text):
    raise Doubt('is not canonical: a number that is no integer: ' + shown(text))


def integer_within(text):
    require(len(text) <= 17 and abs(int(text)) <= LARGEST, 'is not canonical: an integer beyond 2^53 - 1')
    return int(text)


DECODER = json.JSONDecoder(object_pairs_hook=object_in_order, parse_float=no_fraction, parse_int=integer_within, parse_constant=no_fraction)
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(',', ':')).encode


def canonical(data):
    """The object that canonical bytes stand for."""
    try:
        text = data.decode('utf-8')
        value = DECODER.decode(text)
        require(ENCODE(value) == text, 'is not canonical: spaces, escapes or numbers written otherwise')
    except Doubt:
        raise
    except (ValueError, RecursionError) as error:
        raise Doubt('is not JSON: ' + shown(str(error))) from None
    require(isinstance(value, dict), 'is not a JSON object')
    return value


# --- Entries: sections 3, 4, 8, 13 and 14 ----------------------------------------------------------------------------------------------------------------

def fingerprint_of(value):
    return {'algorithm': 'SHA-256', 'algorithm_id': 3, 'encoding_id': 1, 'serialization': 'RFC 8785 of the whole entry without this fingerprint',
            'serialization_id': 99, 'value': value}


def own_fingerprint(event):
    """Of an entry whose attestation_list has one object: what its bytes give."""
    payload = event['payload']
    bare = {name: value for name, value in payload['attestation_list'][0].items() if name != 'fingerprint'}
    return sha256(ENCODE({**event, 'payload': {**payload, 'attestation_list': [bare]}}).encode()).hex()


def event_id_of(event_type, coordinate):
    digest = bytearray(sha256(f'{event_type}\n{coordinate}'.encode())[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return '-'.join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def check_envelope(event):
    require_members(event, MEMBERS, 'entry')
    require(event['eventSchema'] == 'reeve.audit.event', 'entry has another eventSchema: ' + shown(event['eventSchema']))
    require(is_integer(event['eventVersion']) and event['eventVersion'] == 1, 'entry has another eventVersion: ' + shown(event['eventVersion']))
    require(isinstance(event['eventType'], str) and EVENT_TYPE.fullmatch(event['eventType']), 'entry has no eventType: ' + shown(event['eventType']))
    require(isinstance(event['source'], str) and event['source'] in SOURCES, 'entry has an unknown source: ' + shown(event['source']))
    require(is_time(event['timestamp']), 'entry has no timestamp: ' + shown(event['timestamp']))
    require(is_text_or_null(event['correlationId']), 'correlationId is neither text nor null')
    require(is_text_or_null(event['causationId']), 'causationId is neither text nor null')
    require_members(event['metadata'], CONTEXT, 'metadata')
    require(all(is_text_or_null(text) for text in event['metadata'].values()), 'metadata holds what is neither text nor null')


def check_payload(event, sequence):
    payload = event['payload']
    require(isinstance(payload, dict), 'payload is not an object')
    require(is_integer(payload.get('class_uid')) and payload['class_uid'] in CLASSES, 'payload is of another class: ' + shown(payload.get('class_uid')))
    require(is_integer(payload.get('type_uid'), 0) and is_integer(payload.get('time')), 'payload has no type_uid or no time')
    ocsf = payload.get('metadata')
    require(isinstance(ocsf, dict) and ocsf.get('version') == '1.9.0-dev', 'payload is not of OCSF 1.9.0-dev')
    require(isinstance(ocsf.get('profiles'), list) and 'record_integrity' in ocsf['profiles'], 'payload has not the profile record_integrity')
    require(is_integer(ocsf.get('sequence')) and ocsf['sequence'] == sequence, 'entry has another sequence: ' + shown(ocsf.get('sequence')))
    unmapped = payload.get('unmapped')
    require(isinstance(unmapped, dict) and isinstance(unmapped.get('coordinate'), str), 'payload has no unmapped.coordinate')
    return unmapped


def topic_and_partition(origin):
    """Of an origin that has the form of section 1."""
    require(isinstance(origin, str) and NAME.fullmatch(origin) and '://' not in origin, 'is no origin: ' + shown(origin))
    form = ORIGIN.fullmatch(origin)
    require(form, 'is no origin: ' + shown(origin))
    return form['topic'], int(form['partition'])


def ends_of(unmapped, origin):
    """How the logs of the earlier topic ended, as audit.began of a later one tells it: section 14."""
    if 'continues' not in unmapped:
        require('continuesToo' not in unmapped, 'audit.began has continuesToo without continues')
        return []
    more = unmapped.get('continuesToo', [])
    require(isinstance(more, list) and (more or 'continuesToo' not in unmapped) and len(more) < MOST_CHAINS, 'continuesToo is no list of 1 to 15 ends')
    ends, base = [unmapped['continues'], *more], None
    for position, end in enumerate(ends):
        require_members(end, END_MEMBERS, 'an end of the earlier topic')
        require(all(is_hash(end[name]) for name in ('checkpoint', 'fingerprint', 'root')), 'an end of the earlier topic lacks a hash')
        require(is_integer(end['size'], 1), 'an end of the earlier topic has no size: ' + shown(end['size']))
        topic, partition = topic_and_partition(end['origin'])
        require(topic != topic_and_partition(origin)[0], 'the log continues its own topic: ' + shown(end['origin']))
        base = base or end['origin'][:-len(str(partition))]
        require(end['origin'] == f'{base}{position}', f'the end at place {position} is of another log: ' + shown(end['origin']))
    return ends


class Log:
    """What the entries of one log say, one after the other: the chain, the tree, the keys; what it says of other logs and of other topics."""

    def __init__(self, origin, first_key, wanted):
        self.origin, self.first_key, self.wanted = origin, first_key, wanted
        self.tree, self.key, self.leaving, self.keys = Tree(), first_key, [], [first_key]
        self.before, self.seen, self.at, self.checkpoints = None, set(), {}, {}
        self.topic, self.partition = topic_and_partition(origin)
        # `chains` is None in a topic of one log, `continued` the topic that this one is continued in. `links` are faults of point 10.
        self.chains, self.heads, self.ends, self.continued, self.links = None, None, [], None, []

    def append(self, data):
        """Takes the next entry, or raises a Doubt and stays as it was."""
        sequence = self.tree.size
        require(0 < len(data) <= ENTRY_BYTES, f'entry has {len(data)} bytes')
        event = canonical(data)
        check_envelope(event)
        unmapped = check_payload(event, sequence)
        fingerprint = self.check_chain(event, sequence)
        require(event['eventId'] == event_id_of(event['eventType'], unmapped['coordinate']), 'eventId does not follow from type and coordinate')
        event_id = bytes.fromhex(event['eventId'].replace('-', ''))
        require(event_id not in self.seen, 'eventId was there before: ' + event['eventId'])
        self.check_own(event['eventType'], unmapped, sequence)
        self.seen.add(event_id)
        self.before = (fingerprint, event['payload']['type_uid'], event['eventId'])
        self.tree.append(data)
        size = sequence + 1
        if size in self.wanted or event['eventType'] == 'audit.checkpoint':
            self.at[size] = (list(self.tree.edge), self.leaving + [self.key], fingerprint, event['timestamp'])
        self.check_links(event['eventType'], unmapped, sequence)
        if event['eventType'] == 'audit.checkpoint':
            self.checkpoints[sequence] = (unmapped['trailer'], self.heads, self.continued)
            self.leaving = []

    def check_chain(self, event, sequence):
        payload = event['payload']
        listed = payload.get('attestation_list')
        require(isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict), 'attestation_list has not one member')
        attestation, value = listed[0], own_fingerprint(event)
        expected = {'chain_uid': self.origin, 'fingerprint': fingerprint_of(value)}
        if self.before:
            expected['prev_event'] = {'fingerprint': fingerprint_of(self.before[0]), 'type_uid': self.before[1], 'uid': self.before[2]}
        expected['uid'] = f'{self.origin}#{sequence}'
        # Texts are compared, because to Python 1 is True.
        if ENCODE(attestation) != ENCODE(expected):
            wrong = [name for name in ('chain_uid', 'uid', 'prev_event', 'fingerprint') if ENCODE(attestation.get(name)) != ENCODE(expected.get(name))]
            raise Doubt(f'{wrong[0]} is not what the entry and the one before it give' if wrong else 'attestation_list has another member')
        return value

    def check_own(self, event_type, unmapped, sequence):
        """The entries of the log about itself that the verification rests on."""
        require((event_type == 'audit.began') == (sequence == 0), 'the first entry is not audit.began' if sequence == 0 else 'a log begins once')
        if sequence == 0:
            require(unmapped.get('origin') == self.origin, 'audit.began is of another origin: ' + shown(unmapped.get('origin')))
            require(unmapped.get('vkey') == self.first_key.text, 'audit.began names another key: ' + shown(unmapped.get('vkey')))
            require(isinstance(unmapped.get('topicId'), str), 'audit.began names no topicId')
            self.chains = unmapped.get('chains')
            if 'chains' in unmapped:
                require(is_integer(self.chains, 2) and self.partition < self.chains <= MOST_CHAINS, 'audit.began names no number of logs: ' + shown(self.chains))
        if event_type == 'audit.checkpoint':
            for name in ('trailer', 'epoch', 'powers', 'excluded', 'silent'):
                require(name in unmapped, f'audit.checkpoint has no {name}')
            require(unmapped['trailer'] is None or is_hash(unmapped['trailer']), 'audit.checkpoint names no trailer')
            require(is_integer(unmapped['epoch']), 'audit.checkpoint has no epoch')
            self.check_heads(unmapped)
        if event_type == 'audit.key-rotated':
            self.check_rotation(unmapped.get('rotation'), sequence)

    def check_heads(self, unmapped):
        """Where all logs of the topic ended before: section 13. Whether this log ended there, its trailers say."""
        require(('heads' in unmapped) == (self.chains is not None), 'audit.checkpoint has heads in a topic of one log, or none in one of several')
        if self.chains is None:
            return
        heads, base = unmapped['heads'], self.origin[:-len(str(self.partition))]
        require(isinstance(heads, list) and len(heads) == self.chains, f'heads are not those of {self.chains} logs')
        for partition, head in enumerate(heads):
            require_members(head, HEAD_MEMBERS, 'a head')
            require(head['origin'] == f'{base}{partition}', f'the head at place {partition} is of another log: ' + shown(head['origin']))
            require(is_integer(head['size'], 0), 'a head has no size: ' + shown(head['size']))
            require(head['fingerprint'] is None if head['size'] == 0 else is_hash(head['fingerprint']), 'a head has no fingerprint, or one of no entry')
            require(not self.heads or head['size'] >= self.heads[partition]['size'], 'a head is smaller than in the audit.checkpoint before: ' + shown(head['origin']))
        self.heads = heads

    def check_links(self, event_type, unmapped, sequence):
        """What topics say that follow one another: section 14."""
        try:
            require(self.continued is None, 'an entry follows the end of the topic')
            if sequence == 0:
                self.ends = ends_of(unmapped, self.origin)
            if event_type == 'audit.checkpoint' and 'continuedIn' in unmapped:
                topic = unmapped['continuedIn']
                require(isinstance(topic, str) and topic != self.topic, 'the topic is continued in none, or in itself: ' + shown(topic))
                self.continued = topic
        except Doubt as doubt:
            self.links.append((sequence, str(doubt)))

    def check_rotation(self, rotation, sequence):
        names = ('statement', 'byOld', 'byNew')
        require(isinstance(rotation, dict) and all(isinstance(rotation.get(name), str) for name in names), 'audit.key-rotated lacks a part of its rotation')
        lines = rotation['statement'].split('\n')
        require(len(lines) == 6 and lines[0] == 'reeve.audit key rotation' and lines[5] == '', 'is no statement of a rotation')
        require(lines[1] == self.origin and lines[2] == str(sequence), 'the rotation is of another log or sequence')
        require(lines[3] == self.key.text, 'the rotation is from a key that is not in force')
        new, statement = Key(lines[4]), rotation['statement'].encode()
        require(new != self.key and new.name == self.key.name, 'the rotation is to the same key, or one of another name')
        require(ed25519_holds(self.key.public, unbase64(rotation['byOld']), statement), 'the rotation is not signed by the old key')
        require(ed25519_holds(new.public, unbase64(rotation['byNew']), statement), 'the rotation is not signed by the new key')
        self.leaving, self.key = [self.key], new
        if new not in self.keys:
            self.keys.append(new)


# --- Files ---------------------------------------------------------------------------------------------------------------------------------------

def read(path, most):
    if not os.path.isfile(path):
        raise Doubt('there is no file ' + shown(path))
    try:
        require(os.path.getsize(path) <= most, 'file is too large: ' + shown(path))
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise Doubt('cannot read ' + shown(str(error))) from None


def names_in(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise Doubt('cannot list ' + shown(str(error))) from None


def files_below(path):
    """Paths relative to `path`, with '/'."""
    found = []
    for folder, _, names in os.walk(path):
        found += [os.path.relpath(os.path.join(folder, name), path).replace(os.sep, '/') for name in names]
    return sorted(found)


def entries_in(folder, size):
    """The entries of the bundles, one after the other."""
    for start in range(0, size, TILE):
        width, at = min(TILE, size - start), 0
        bundle = read(os.path.join(folder, 'tile', tile_name('entries', start // TILE, width)), TILE * (ENTRY_BYTES + 2) + 2)
        for _ in range(width):
            require(at + 2 <= len(bundle), 'the entry bundle ends before the entry')
            end = at + 2 + int.from_bytes(bundle[at:at + 2], 'big')
            require(end <= len(bundle), 'the entry bundle ends within the entry')
            yield bundle[at + 2:end]
            at = end
        if at != len(bundle):
            raise Surplus('the entry bundle holds more than its entries')


def tile_name(level, index, width):
    groups = f'{index:0{-(-len(str(index)) // 3) * 3}d}'
    parts = [groups[at:at + 3] for at in range(0, len(groups), 3)]
    return f'{level}/' + '/'.join(['x' + part for part in parts[:-1]] + parts[-1:]) + ('' if width == TILE else f'.p/{width}')


class Verification:
    """One log of an export: every check of section 10, and the faults that they find as (sequence or None, reason)."""

    def __init__(self, folder, described, first_key):
        self.folder, self.origin, self.size, self.first_key = folder, described['origin'], described['size'], first_key
        self.vkeys, self.faults, self.anchored, self.holds = described['vkeys'], [], 0, False

    def fault(self, sequence, reason):
        self.faults.append((sequence, reason))

    def run(self, anchors):
        trailers = self.read_trailers()
        checkpoints = self.read_checkpoints()
        anchored = [(self.read_anchor(anchor), True) for anchor in anchors] + [(held, False) for held in self.read_copies()]
        sizes = {size for size, *_ in trailers} | set(checkpoints) | {size for held, _ in anchored for size, _ in held}
        self.log = Log(self.origin, self.first_key, sizes)
        self.read_entries()
        self.check_trailers(trailers)
        self.check_checkpoints(checkpoints)
        self.check_tiles()
        # By points 1 to 5 and 8, and 10 as far as the log says it itself.
        self.faults += self.log.links
        self.holds = not self.faults
        for held, counts in anchored:
            agreed = self.check_anchored(held)
            self.anchored = max(self.anchored, agreed if counts else 0)
        if self.log.tree.size == self.size and self.vkeys != [key.text for key in self.log.keys]:
            self.fault(None, "the manifest's vkeys are not the keys of the log")

    def check_earlier(self, earlier):
        """Nothing where entry 0 is none: then that is what counts for it."""
        try:
            if self.log.tree.size:
                earlier.check(self)
        except Doubt as doubt:
            self.fault(0, str(doubt))

    def first_fault(self):
        return min(self.faults, key=lambda fault: LARGEST if fault[0] is None else fault[0], default=(None, None))

    def read_entries(self):
        """Up to the first bad one: what lies behind it cannot be the first any more."""
        try:
            for entry in entries_in(self.folder, self.size):
                self.log.append(entry)
        except Surplus as doubt:
            self.fault(self.log.tree.size - 1, str(doubt))
        except Doubt as doubt:
            self.fault(self.log.tree.size, str(doubt))

    def read_trailers(self):
        """As (sequence, hash, trailer), up to the first that is out of the chain."""
        trailers, previous, last = [], None, 0
        try:
            lines = read(os.path.join(self.folder, 'trailers'), 2**40).split(b'\n')
        except Doubt as doubt:
            self.fault(0, str(doubt))
            return trailers
        for line in lines[:-1]:
            # One that cannot be read stands where the one before it stands.
            sequence = last
            try:
                trailer = canonical(line)
                self.check_trailer_form(trailer)
                sequence = min(max(last, trailer['sequence']), self.size)
                require(sequence == trailer['sequence'] > last, f'trailer of {trailer["sequence"]} entries behind one of {last}, in a log of {self.size}')
                require(trailer['origin'] == self.origin, 'trailer is of another origin: ' + shown(trailer['origin']))
                require(trailer['previous'] == previous, 'trailer names another one before it')
            except Doubt as doubt:
                self.fault(max(0, sequence - 1), str(doubt))
                return trailers
            previous, last = sha256(line).hex(), sequence
            trailers.append((sequence, previous, trailer))
        if lines[-1] != b'':
            self.fault(max(0, last - 1), 'the file of trailers does not end with a newline')
        if last != self.size:
            self.fault(self.size - 1, "there is no trailer behind the newest checkpoint's entries")
        return trailers

    def check_trailer_form(self, trailer):
        require_members(trailer, TRAILER_MEMBERS + (('turn',) if 'turn' in trailer else ()), 'trailer')
        require(is_integer(trailer.get('turn', 1), 1), 'trailer has no turn: ' + shown(trailer.get('turn')))
        require(trailer['format'] == 'reeve.audit.trailer/1', 'trailer is of another format: ' + shown(trailer['format']))
        require(isinstance(trailer['origin'], str), 'trailer has no origin')
        require(is_integer(trailer['sequence'], 1), 'trailer has no sequence')
        require(is_hash(trailer['fingerprint']), 'trailer has no fingerprint')
        require(is_integer(trailer['epoch'], 0), 'trailer has no epoch')
        require(trailer['previous'] is None or is_hash(trailer['previous']), 'trailer has no previous')
        require(isinstance(trailer['frontier'], list) and all(is_hash(node) for node in trailer['frontier']), 'trailer has no frontier')
        require(isinstance(trailer['signers'], list) and all(isinstance(key, str) for key in trailer['signers']), 'trailer has no signers')
        require(trailer['closedThroughMs'] is None or is_integer(trailer['closedThroughMs']), 'trailer has no closedThroughMs')
        require(isinstance(trailer['sources'], dict), 'trailer has no sources')
        for position in trailer['sources'].values():
            require_members(position, ('through', 'resume'), 'a source of the trailer')

    def check_trailers(self, trailers):
        last, turn = 0, 0
        for sequence, _, trailer in trailers:
            if self.log.tree.size:
                # Like one that cannot be read.
                if ('turn' in trailer) != (self.log.chains is not None):
                    self.fault(max(0, last - 1), 'trailer has a turn in a topic of one log, or none in one of several')
                if trailer.get('turn', turn + 1) <= turn:
                    self.fault(sequence - 1, f'trailer of turn {trailer["turn"]} behind one of {turn}')
            last, turn = sequence, trailer.get('turn', turn)
            if sequence in self.log.at:
                edge, signers, fingerprint, _ = self.log.at[sequence]
                if trailer.get('fingerprint') != fingerprint:
                    self.fault(sequence - 1, 'the trailer has another fingerprint than the last entry')
                if trailer.get('frontier') != [node.hex() for node in edge]:
                    self.fault(sequence - 1, "the trailer's frontier is not the tree's")
                if trailer.get('signers') != [key.text for key in signers]:
                    self.fault(sequence - 1, "the trailer's signers are not the keys in force")
        names, position = {size: name for size, name, _ in trailers}, 0
        for sequence, (named, heads, _) in self.log.checkpoints.items():
            while position < len(trailers) and trailers[position][0] <= sequence:
                position += 1
            size, name, trailer = trailers[position - 1] if position else (0, None, {})
            if named != name:
                self.fault(sequence, 'audit.checkpoint names another trailer than the last before it')
            if heads and (heads[self.log.partition]['size'], heads[self.log.partition]['fingerprint']) != (size, trailer.get('fingerprint')):
                self.fault(sequence, "audit.checkpoint's head of its own log is not where the last trailer before it stands")
            if sequence + 1 not in names:
                self.fault(sequence, 'there is no trailer behind audit.checkpoint')

    def read_checkpoints(self):
        """By size: those of which nothing is wrong but perhaps what they say."""
        checkpoints, folder = {}, os.path.join(self.folder, 'checkpoints')
        try:
            names = names_in(folder)
        except Doubt as doubt:
            self.fault(None, str(doubt))
            return checkpoints
        for name in names:
            if not re.fullmatch('[0-9]{20}', name) or not 0 < int(name) <= LARGEST:
                self.fault(None, 'checkpoints/ holds what is no checkpoint: ' + shown(name))
                continue
            size = int(name)
            try:
                checkpoint = Checkpoint(read(os.path.join(folder, name), NOTE_BYTES))
                require(checkpoint.size == size, f'checkpoint says size {checkpoint.size} under the name of {size}')
                require(checkpoint.origin == self.origin, 'checkpoint is of another origin: ' + shown(checkpoint.origin))
                checkpoints[size] = checkpoint
            except Doubt as doubt:
                self.fault(min(size, self.size) - 1, str(doubt))
        try:
            newest = read(os.path.join(self.folder, 'checkpoint'), NOTE_BYTES)
            require(newest == read(os.path.join(folder, f'{self.size:020d}'), NOTE_BYTES), "checkpoint is not the one of the log's size")
        except Doubt as doubt:
            self.fault(self.size - 1, str(doubt))
        return checkpoints

    def check_checkpoints(self, checkpoints):
        for size, checkpoint in checkpoints.items():
            if size > self.size:
                self.fault(self.size - 1, f'a checkpoint of {size} entries in a log of {self.size}')
            elif size in self.log.at:
                edge, signers, *_ = self.log.at[size]
                try:
                    require(size - 1 in self.log.checkpoints, 'the last entry of a checkpoint is not audit.checkpoint')
                    require(root_of(edge) == checkpoint.root, f"the checkpoint's root is not the tree's at size {size}")
                    require(checkpoint.signers(signers) == set(signers), 'the checkpoint is not signed by the keys in force')
                except Doubt as doubt:
                    self.fault(size - 1, str(doubt))
        if self.log.tree.size == self.size and not self.log.checkpoints:
            self.fault(0, 'there is no audit.checkpoint')
        for sequence in self.log.checkpoints:
            if sequence + 1 not in checkpoints:
                self.fault(sequence, f'there is no checkpoint for audit.checkpoint, of size {sequence + 1}')

    def check_tiles(self):
        """Every tile is there, is what the entries give, and nothing else lies beside them. What is about entries behind a bad one is not looked at."""
        folder = os.path.join(self.folder, 'tile')
        beside = set(files_below(folder)) - {tile_name('entries', at // TILE, min(TILE, self.size - at)) for at in range(0, self.log.tree.size, TILE)}
        level, hashes, missing = 0, self.size, False
        while hashes > 0:
            for first in range(0, hashes, TILE):
                width = min(TILE, hashes - first)
                name = tile_name(level, first // TILE, width)
                if name not in beside:
                    self.fault((first + 1) * TILE**level - 1, f'there is no tile {name}')
                    missing = True
                    break
                beside.remove(name)
                self.check_tile(os.path.join(folder, name), level, first, width)
            level, hashes = level + 1, hashes // TILE
        if beside and not missing and self.log.tree.size == self.size:
            self.fault(self.size - 1, 'tile/ holds what is no tile of this log: ' + shown(min(beside)))

    def check_tile(self, path, level, first, width):
        expected = self.log.tree.levels[level][first:first + width] if level < len(self.log.tree.levels) else []
        try:
            data = read(path, NOTE_BYTES)
        except Doubt as doubt:
            return self.fault((first + 1) * TILE**level - 1, str(doubt))
        for at, node in enumerate(expected):
            if data[at * 32:at * 32 + 32] != node:
                return self.fault((first + at + 1) * TILE**level - 1, 'the tile is not what the entries give: ' + shown(path))
        if len(data) != width * 32:
            self.fault((first + width) * TILE**level - 1, 'the tile has another length than its width: ' + shown(path))

    def read_anchor(self, anchor):
        """What a directory keeps of this log, as (size, path): shared/anchors/README.md, section Bytes."""
        name = quote(self.origin, safe="-_.!~*'()")
        folder = os.path.join(anchor, '%2E' + name[1:] if name.startswith('.') else name)
        require(os.path.isdir(anchor), 'there is no anchor ' + shown(anchor))
        names = names_in(folder) if os.path.isdir(folder) else []
        return sorted((int(name[:16]), os.path.join(folder, name)) for name in names if re.fullmatch(r'[0-9]{16}\.checkpoint', name))

    def read_copies(self):
        """What the export says that anchors hold: no evidence for it, but it may be evidence against it."""
        folder = os.path.join(self.folder, 'anchors')
        for name in names_in(folder) if os.path.isdir(folder) else []:
            files = [(file, os.path.join(folder, name, file)) for file in files_below(os.path.join(folder, name))]
            yield sorted((int(file[:20]), path) for file, path in files if re.fullmatch(r'[0-9]{20}(\.[0-9]+)?', file))

    def check_anchored(self, held):
        """The largest size at which the anchor and the log have one tree. What it does not share with the log begins behind that."""
        agreed = 0
        for size, path in held:
            try:
                checkpoint = Checkpoint(read(path, NOTE_BYTES))
                require(checkpoint.origin == self.origin and checkpoint.size == size, f'{shown(path)} holds a checkpoint of another place')
                require(checkpoint.signers(self.log.keys), f'{shown(path)} is not signed by a key of the log')
                require(size <= self.size, f'cut: {shown(path)} has {size} entries, the log {self.size}')
                if size in self.log.at:
                    require(root_of(self.log.at[size][0]) == checkpoint.root, f'forked or edited: {shown(path)} has another root at size {size}')
                    agreed = size
            except Doubt as doubt:
                self.fault(self.size if size > self.size else agreed, str(doubt))
                break
        return agreed


# --- The whole export ----------------------------------------------------------------------------------------------------------------------------

def read_manifest(export, key=None):
    try:
        manifest = json.loads(read(os.path.join(export, 'manifest.json'), 100_000_000).decode('utf-8'))
    except (ValueError, RecursionError) as error:
        raise Doubt('manifest.json is not JSON: ' + shown(str(error))) from None
    require(isinstance(manifest, dict) and manifest.get('format') == 'reeve.audit.export/1', 'manifest.json is of another format')
    cluster, topic, logs = manifest.get('clusterId'), manifest.get('topic'), manifest.get('logs')
    require(isinstance(cluster, str) and isinstance(topic, str) and isinstance(logs, list) and logs, 'manifest.json names no cluster, topic or logs')
    for log in logs:
        require(isinstance(log, dict) and is_integer(log.get('partition'), 0) and is_integer(log.get('size'), 1), 'a log of the manifest has no partition or size')
        require(log.get('path') == str(log['partition']), 'the path of a log in the manifest is not its partition: ' + shown(log.get('path')))
        origin = log.get('origin')
        require(isinstance(origin, str) and NAME.fullmatch(origin) and origin.endswith(f'/{cluster}/{topic}/{log["partition"]}'),
                'the origin of a log in the manifest is not of its cluster, topic and partition: ' + shown(origin))
        topic_and_partition(origin)
        require(key is None or f'{key.name}/{topic}/{log["partition"]}' == origin, f'the key is of {shown(key and key.name)}, the log is {shown(origin)}')
        require(isinstance(log.get('vkeys'), list), 'a log of the manifest has no vkeys')
    partitions = [log['partition'] for log in logs]
    require(partitions == sorted(set(partitions)), 'the logs of the manifest are not in the order of their partitions')
    return logs


def check_beside(logs):
    """What the logs of one topic say of each other: section 13, point 9."""
    there = {log.origin for log in logs}
    for log in logs:
        chains = log.log.chains
        if log.log.tree.size and chains is not None:
            named = [f'{log.origin[:-len(str(log.log.partition))]}{partition}' for partition in range(chains)]
            missing = [origin for origin in named if origin not in there]
            others = [other for other in logs if other.holds and other.log.chains != chains]
            if missing or len(there) > chains:
                log.fault(0, f'missing: {shown(missing[0])}' if missing else f'{len(there)} logs in a topic of {chains}')
            elif others:
                log.fault(0, f'one of {chains} logs; {shown(others[0].origin)} says otherwise')
    sound = [log for log in logs if log.holds and log.log.chains is not None]
    said = [[(sequence, ENCODE([heads, continued])) for sequence, (_, heads, continued) in sorted(log.log.checkpoints.items())] for log in sound]
    for log, own in zip(sound, said):
        if len(own) < max(map(len, said)):
            log.fault(log.size, f'cut: {len(own)} audit.checkpoint, another log of the topic has {max(map(len, said))}')
        if ENCODE(log.log.ends) != ENCODE(sound[0].log.ends):
            log.fault(0, f'it continues something else than {shown(sound[0].origin)}')
        for (sequence, named), (_, first) in zip(own, said[0]):
            if named != first:
                log.fault(sequence, f'the heads, or the topic that it is continued in, are not those that {shown(sound[0].origin)} names')
                break


def verified_logs(export, described, key, anchors):
    logs = [Verification(os.path.join(export, each['path']), each, key) for each in described]
    for log in logs:
        log.run(anchors)
    check_beside(logs)
    return logs


class Earlier:
    """
    The export of the topic that another continues. It is verified by the first key that it names itself: where it ends as the later topic says, none of its
    bytes can be others.
    """

    def __init__(self, export):
        described = read_manifest(export)
        require(described[0]['vkeys'], 'a log of the manifest has no vkeys')
        self.logs = verified_logs(export, described, Key(described[0]['vkeys'][0]), [])
        for log in self.logs:
            sequence, reason = log.first_fault()
            require(reason is None, f'{shown(log.origin)}, sequence {sequence}: {reason}')

    def check(self, log):
        """Whether it ended as a log of the later topic says: section 14, point 10."""
        require(len(log.log.ends) == len(self.logs), f'{len(log.log.ends)} ends of an earlier topic of {len(self.logs)} logs')
        for end, other in zip(log.log.ends, self.logs):
            ended = {'origin': other.origin, 'size': other.size, 'root': root_of(other.log.tree.edge).hex(), 'fingerprint': other.log.before[0],
                     'checkpoint': sha256(read(os.path.join(other.folder, 'checkpoint'), NOTE_BYTES)).hex()}
            wrong = [name for name in ended if end[name] != ended[name]]
            require(not wrong, f'the earlier topic ended otherwise: {wrong and wrong[0]} of {shown(other.origin)}')
            require(other.log.continued == log.log.topic, f'{shown(other.origin)} is continued in {shown(other.log.continued)}, not here')


def check_earlier(logs, folder):
    """Why there is nothing to compare with, or None."""
    try:
        earlier = Earlier(folder)
    except Doubt as doubt:
        return f'the earlier export: {doubt}'
    for log in logs:
        log.check_earlier(earlier)
    return None


def age_of(timestamp, now):
    return now - datetime.fromisoformat(timestamp[:-1]).replace(tzinfo=timezone.utc).timestamp()


def found_of(log, earlier, now):
    """What is told of one log: section 15."""
    sequence, reason = log.first_fault()
    at = log.log.at[log.anchored][3] if log.anchored else None
    return {'origin': log.origin, 'size': log.size, 'anchoredSize': log.anchored, 'behindAnchor': log.size - log.anchored, 'anchoredAt': at,
            'anchoredAgeSeconds': at and round(age_of(at, now)), 'continues': [end['origin'] for end in log.log.ends],
            'continuesChecked': bool(log.log.ends and earlier), 'sequence': sequence, 'reason': reason}


def verify(export, key_text, anchors=(), allow_unanchored=False, earlier=None, anchored_within=None):
    """The result as an object: `verified`, `selfAttested`, and for each log what was found. Never raises."""
    result = {'verified': False, 'selfAttested': True, 'sequence': None, 'reason': None, 'logs': []}
    try:
        key, now = Key(key_text), time.time()
        logs = verified_logs(export, read_manifest(export, key), key, anchors)
        trouble = check_earlier(logs, earlier) if earlier else None
        result['logs'] = [found_of(log, earlier, now) for log in logs]
        result['selfAttested'] = not all(log['anchoredSize'] for log in result['logs'])
        for log in result['logs']:
            if log['reason'] and not result['reason']:
                result['sequence'], result['reason'] = log['sequence'], f'{shown(log["origin"])}: {log["reason"]}'
        result['reason'] = result['reason'] or trouble
        if not result['reason'] and result['selfAttested'] and not allow_unanchored:
            result['reason'] = 'SELF-ATTESTED: no anchor holds a checkpoint of ' + shown([log['origin'] for log in result['logs'] if not log['anchoredSize']])
        for log in result['logs']:
            if not result['reason'] and anchored_within is not None and not (log['anchoredAt'] and age_of(log['anchoredAt'], now) <= anchored_within):
                result['reason'] = f'OLD: {shown(log["origin"])}: the newest checkpoint that an anchor holds is of {log["anchoredAt"] or "no time: there is none"}'
        result['verified'] = result['reason'] is None
    except Exception as error:  # Whatever it is, it is a doubt: a verifier that falls over has verified nothing.
        result['verified'], result['reason'] = False, str(error) if isinstance(error, Doubt) else f'cannot be verified: {type(error).__name__}: {shown(str(error))}'
    return result


# --- Self-test: RFC 8032 section 7.1, the C2SP documents' examples, and roots of RFC 6962 ---------------------------------------------------------

SIGNATURES = (
    ('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '',
     'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'),
    ('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72',
     '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'),
    ('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82',
     '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'),
)
LEAVES = ('', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f')
ROOTS = (
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
)
NOTE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
NOTE_SIGNATURE = 'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM='


def self_test():
    for public, message, signature in SIGNATURES:
        public, message, signature = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
        require(ed25519_holds(public, signature, message), 'a signature of RFC 8032 does not verify')
        require(not ed25519_holds(public, signature, message + b'\0'), 'a signature verifies over another message')
        for at in (0, 31, 32, 63):
            wrong = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1:]
            require(not ed25519_holds(public, wrong, message), 'a wrong signature verifies')
        above = (int.from_bytes(signature[32:], 'little') + ORDER).to_bytes(32, 'little')
        require(not ed25519_holds(public, signature[:32] + above, message), 'a signature verifies a second time, with S beyond the order')
    key = Key(NOTE_KEY)
    require(ed25519_holds(key.public, unbase64(NOTE_SIGNATURE)[4:], b'This is an example message.\n'), 'the note of C2SP signed-note does not verify')
    tree = Tree()
    for leaf, root in zip(LEAVES, ROOTS):
        tree.append(bytes.fromhex(leaf))
        require(root_of(tree.edge).hex() == root, f'the root of {tree.size} leaves is wrong')
    require(tile_name(0, 1234067, 256) == '0/x001/x234/067' and tile_name('entries', 0, 7) == 'entries/000.p/7', 'the name of a tile is wrong')
    canonical('{"\u20ac":"\\b\\u001f\u2028\x7f","\U0001f600":-1,"\ufb33":[]}'.encode())
    for bad in (b'{"b":1,"a":1}', b'{"a":1,"a":1}', b'{"a": 1}', b'{"a":1.0}', b'{"a":-0}', b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'{"a":NaN}', b'[]', b'{"a":"\\ud800"}',
                b'{"a":9007199254740992}', b'{"a":' + b'[' * 100_000, b'\xef\xbb\xbf{}', b'{"a":"\xed\xa0\x80"}', '{"\ufb33":1,"\U0001f600":1}'.encode()):
        try:
            canonical(bad)
        except Doubt:
            continue
        raise Doubt('passes for canonical: ' + shown(bad))


def main():
    parser = argparse.ArgumentParser(description="Verifies an export of Reeve's audit log without Reeve's code.")
    parser.add_argument('--export', metavar='DIR')
    parser.add_argument('--key', metavar='VKEY', help='the first key, known from outside')
    parser.add_argument('--anchor', metavar='DIR', action='append', default=[], help="the directory of an anchor, as it is outside the cluster")
    parser.add_argument('--allow-unanchored', action='store_true')
    parser.add_argument('--earlier', metavar='DIR', help='an export of the topic that this one continues')
    parser.add_argument('--anchored-within', metavar='SECONDS', type=int, help='how old the newest anchored checkpoint of each log may be')
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--self-test', action='store_true')
    options = parser.parse_args()
    sys.stdout.reconfigure(errors='backslashreplace')
    if options.self_test:
        try:
            self_test()
        except Doubt as doubt:
            print(f'self-test failed: {doubt}')
            return 1
        print('self-test passed')
        return 0
    if not options.export or not options.key:
        parser.error('--export and --key are needed')
    result = verify(options.export, options.key, options.anchor, options.allow_unanchored, options.earlier, options.anchored_within)
    if options.json:
        print(json.dumps(result))
    elif result['verified']:
        for log in result['logs']:
            held = f'anchored up to {log["anchoredSize"]} ({log["behindAnchor"]} behind, {log["anchoredAt"]})' if log['anchoredSize'] else 'SELF-ATTESTED'
            print(f'verified: {shown(log["origin"])}, {log["size"]} entries, {held}')
            if log['continues'] and not log['continuesChecked']:
                print(f'not checked: that {shown(log["continues"][0])} ended as this log says')
    else:
        print('NOT VERIFIED' + ('' if result['sequence'] is None else f', first bad sequence {result["sequence"]}') + f': {result["reason"]}')
    return 0 if result['verified'] else 1


if __name__ == '__main__':
    sys.exit(main())
