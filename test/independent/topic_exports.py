"""
The cases of audit_exports.py that are about several logs of one topic, and about topics that follow one another: sections 13 and 14 of the specification. All
are made by somebody who holds the keys, so that each log holds by itself wherever that is not what was altered.
"""

import functools
import os
import shutil

from made_up_logs import EARLIER, FIRST, NAME, OLD, SECOND, TOPIC, Topic, set_at, without, write_anchor, write_export
from verify_audit import sha256

HASH = 'ab' * 32
# Of the three logs of `several`, by the number of the audit.checkpoint.
SIZES = ((7, 10, 11), (4, 8, 12), (4, 6, 7))


def several(alter=None, **options):
    topic = Topic(alter=alter, **options)
    topic.events(2, 0, 1)
    topic.commit()
    topic.events(3, 2, 0)
    topic.commit()
    topic.events(0, 0, 1)
    topic.checkpoint()
    topic.events(1, 2)
    topic.commit()
    for log in topic.logs:
        log.rotate(SECOND)
    topic.commit()
    topic.checkpoint()
    topic.events(0, 3)
    topic.commit()
    topic.checkpoint()
    return topic


def small(chains=2, events=(1, 0), said=None, checkpoints=1, **options):
    """A topic whose first transaction has a checkpoint in it already. `said` goes into the last one."""
    topic = Topic(chains, **options)
    for number in range(checkpoints):
        topic.events(*events)
        topic.checkpoint(**((said or {}) if number + 1 == checkpoints else {}))
    return topic


def alike(path, value, sequence=0, logs=3):
    """An alteration of one event of every log."""
    return {partition: {f'event:{sequence}': set_at(path, value)} for partition in range(logs)}


def head(number, partition, **members):
    """Another head, of the log of one partition, in all audit.checkpoint with this number."""
    def heads(at, heads):
        return [{**head, **members} if (at, position) == (number, partition) else head for position, head in enumerate(heads)]
    return heads


def heads_at(number, change):
    return lambda at, heads: change(heads) if at == number else heads


class TopicCases:
    def __init__(self, out, cases):
        self.out, self.cases, self.good = out, cases, several()

    def add(self, name, sequence, topic=None, logs=None, files=None, anchor=None, anchored=None, earlier=None, key=FIRST, verified=False):
        """
        One export: of `topic`, or of `logs` by their partitions, with `files(folder of the export)` altered. `anchor` are the checkpoints that one holds of each
        log, by origin; `earlier` is the topic of another export, or what writes one.
        """
        folder = os.path.join(self.out, f'{len(self.cases):02d}')
        export, anchors, before = os.path.join(folder, 'export'), [], None
        write_export(export, TOPIC, logs) if logs else (topic or self.good).write(export)
        if files:
            files(export)
        if anchor is not None:
            anchors = [os.path.join(folder, 'anchor')]
            os.makedirs(anchors[0])
            for origin, checkpoints in anchor.items():
                write_anchor(anchors[0], checkpoints, origin)
        if earlier:
            before = os.path.join(folder, 'earlier')
            earlier(before) if callable(earlier) else earlier.write(before)
        self.cases.append({'name': name, 'export': export, 'key': key.vkey, 'anchors': anchors, 'allowUnanchored': anchor is None, 'earlier': before,
                           'verified': verified, 'sequence': sequence})

    def all(self):
        self.right()
        self.missing()
        self.heads()
        self.turns()
        self.ends()
        self.earlier()

    def right(self):
        add, good = self.add, self.good
        held = {log.origin: log.checkpoints for log in good.logs}
        add('several logs of one topic', None, verified=True)
        add('several logs of one topic beside their anchor', None, anchor=held, verified=True)
        add('several logs whose first transaction has a checkpoint', None, small(checkpoints=2), verified=True)
        add('logs that do not say that they are several', None, one_by_one(), verified=True)
        add('an anchor that holds nothing of one of the logs', None, anchor={origin: held[origin] for origin in list(held)[:2]})
        cut = {partition: log.cut(SIZES[partition][1]) for partition, log in enumerate(good.logs)}
        add('several logs that were cut alike', 10, logs=cut, anchor=held)
        older = {log.origin: log.checkpoints for log in cut.values()}
        add('several logs that were cut alike, of one of which an anchor has more', 8, logs=cut, anchor={**older, good.logs[1].origin: good.logs[1].checkpoints})
        add('a later key in place of the first', None, key=SECOND)

    def missing(self):
        add, logs = self.add, dict(enumerate(self.good.logs))
        for partition in logs:
            add(f'several logs without the one of partition {partition}', 0, logs={at: log for at, log in logs.items() if at != partition})
        add('several logs, of one of which the files are gone', 0, files=lambda export: shutil.rmtree(os.path.join(export, '1')))
        # It does not hold by itself, so that they need not heed what it says of others.
        bad = small(None, logs=3, events=(1, 1, 1), alter={2: {'trailer:3': set_at('frontier', [HASH])}}).logs[2]
        add('a log too many beside two', 0, logs={**dict(enumerate(small().logs)), 2: bad})
        add('a log in another partition than two have', 0, logs={0: small().logs[0], 2: bad})
        single = small(None, logs=3, events=())
        for partition in logs:
            add(f'a log that knows of no others in the place of the one of partition {partition}', 0, logs={**logs, partition: single.logs[partition]})
        for partition, sizes in enumerate(SIZES):
            add(f'the log of partition {partition} cut behind the head that others name', sizes[1], logs={**logs, partition: logs[partition].cut(sizes[1])})
        older = {partition: log.cut(SIZES[partition][1]) for partition, log in logs.items()}
        add('a log that goes further than the others, and does not hold itself', 11,
            logs={**older, 1: several({1: {'trailer:12': set_at('frontier', [HASH])}}).logs[1]})
        add('a single log that says that it is one of one', 0, small(1))
        add('seventeen logs of one topic', 0, small(17, events=()))
        add('a number of logs that is null', 0, small(None, events=(1,), began={'chains': None}))

    def heads(self):
        add, bad = self.add, lambda number, change: several(heads=heads_at(number, change))
        add('a checkpoint of one log without heads', 7, several({1: {'event:7': without('payload/unmapped/heads')}}))
        add('heads in a topic of one log', 1, small(None, events=(), said={'heads': []}))
        add('heads in another order', 9, bad(1, lambda heads: [heads[0], heads[2], heads[1]]))
        add('a head too few', 9, bad(1, lambda heads: heads[:2]))
        add('a head too many', 9, bad(1, lambda heads: [*heads, {**heads[2], 'origin': f'{NAME}/{TOPIC}/3'}]))
        add('heads that are an object', 9, bad(1, lambda heads: {str(at): head for at, head in enumerate(heads)}))
        add('a head with a member more', 9, bad(1, lambda heads: [*heads[:2], {**heads[2], 'root': HASH}]))
        add('a head of another topic', 9, several(heads=head(1, 2, origin=f'{NAME}/other/2')))
        add('a head without its fingerprint', 9, several(heads=head(1, 2, fingerprint=None)))
        add('a head whose fingerprint is no hash', 9, several(heads=head(1, 2, fingerprint=HASH.upper())))
        add('a head whose size is text', 9, several(heads=head(1, 2, size='5')))
        add('a head of no entry with a fingerprint', 2, small(heads=head(0, 1, fingerprint=HASH)))
        add('a head that is smaller than the one before', 9, several(heads=head(1, 1, size=2)))
        add('heads with another size than the log itself had', 7, several(heads=head(1, 1, size=8)))
        add('heads with another fingerprint than the log itself had', 7, several(heads=head(1, 1, fingerprint=HASH)))
        add('heads of a first transaction that say there was one before', 1, small(heads=head(0, 1, size=1, fingerprint=HASH)))
        for partition, (name, sequence) in enumerate((('the first log', 3), ('one log', 7), ('the last log', 6))):
            other = (partition + 1) % 3
            at = SIZES[partition][partition] - 1
            add(f'a checkpoint of {name} that names another head of another one than they do', sequence,
                several({partition: {f'event:{at}': set_at(f'payload/unmapped/heads/{other}/fingerprint', HASH)}}))

    def turns(self):
        add = self.add
        add('a trailer without its turn', None, several({1: {'trailer:3': without('turn')}}))
        add('a trailer of turn 0', 0, several({0: {'trailer:3': set_at('turn', 0)}}))
        add('a trailer whose turn is no number', 2, several({0: {'trailer:6': set_at('turn', '2')}}))
        add('a trailer of the turn of the one before', 5, several({0: {'trailer:6': set_at('turn', 1)}}))
        add('a trailer with a turn in a topic of one log', None, one_by_one({1: {'trailer:7': set_at('turn', 1)}}))

    def ends(self):
        """What later and earlier topics say alone."""
        add, good = self.add, end(0, 5)
        later = lambda **began: small(None, events=(1,), began=began)  # noqa: E731
        add('a topic that goes on where another ended, which is not at hand', None, later(continues=good, continuesToo=[end(1), end(2)]), verified=True)
        for name, wrong in (
            ('with a member more', {**good, 'vkey': FIRST.vkey}), ('without a member', {name: value for name, value in good.items() if name != 'root'}),
            ('of no entry', {**good, 'size': 0}), ('with a root that is no hash', {**good, 'root': HASH.upper()}),
            ('with a checkpoint that is no hash', {**good, 'checkpoint': HASH + 'ab'}), ('with a fingerprint that is none', {**good, 'fingerprint': None}),
            ('whose origin is none', {**good, 'origin': 'audit/0'}), ('whose origin has no partition', {**good, 'origin': f'{NAME}/{EARLIER}/00'}),
            ('of its own topic', {**good, 'origin': f'{NAME}/{TOPIC}/0'}), ('of another partition than 0', end(1)), ('that is null', None),
        ):
            add(f'a topic that continues an end {name}', 0, later(continues=wrong))
        add('a topic that continues further logs, but no first', 0, later(continuesToo=[end(1)]))
        add('a topic that continues a list of no further logs', 0, later(continues=good, continuesToo=[]))
        add('a topic that continues seventeen logs', 0, later(continues=good, continuesToo=[end(partition) for partition in range(1, 17)]))
        add('a topic that continues logs in another order', 0, later(continues=good, continuesToo=[end(2), end(1)]))
        add('a topic that continues logs of two topics', 0, later(continues=good, continuesToo=[{**end(1), 'origin': f'{NAME}/other/1'}]))
        add('a topic that is continued in itself', 2, small(None, events=(1,), said={'continuedIn': TOPIC}))
        add('a topic that is continued in null', 2, small(None, events=(1,), said={'continuedIn': None}))
        behind = small(None, events=(1,), said={'continuedIn': EARLIER})
        behind.events(2)
        behind.checkpoint()
        add('entries behind the end of a topic', 3, behind)
        add('a log whose only checkpoint is missing', 2, small(None, events=(1,)), files=lambda export: os.remove(os.path.join(export, '0/checkpoints', f'{3:020d}')))
        for name in ('epoch', 'powers', 'excluded', 'silent'):
            add(f'an audit.checkpoint without its {name}', 2, small(None, events=(1,), alter={0: {'event:2': without(f'payload/unmapped/{name}')}}))
        add('an audit.began without its topicId', 0, small(None, events=(1,), alter={0: {'event:0': without('payload/unmapped/topicId')}}))
        for name, change in (('of no other', without('payload/unmapped/continues')), ('of another one', set_at('payload/unmapped/continues/size', 4))):
            add(f'a topic with one log that goes on from the end {name}, which are not at hand', 0, small(began={'continues': good}, alter={1: {'event:0': change}}))
        for name, at, change in (('one log', {1: 1}, without('payload/unmapped/continuedIn')), ('all logs but one', {0: 2}, without('payload/unmapped/continuedIn')),
                                 ('one log elsewhere', {1: 1}, set_at('payload/unmapped/continuedIn', 'elsewhere'))):
            add(f'a topic that ends otherwise in {name}', 1,
                small(said={'continuedIn': EARLIER}, alter={partition: {f'event:{sequence}': change} for partition, sequence in at.items()}))

    def earlier(self):
        """A topic of three logs beside the export of the one of two that it continues."""
        add = self.add
        ended = functools.partial(small, topic=EARLIER, first=OLD, checkpoints=2)
        before = ended(said={'continuedIn': TOPIC})
        ends = [log.end() for log in before.logs]
        began = {'continues': ends[0], 'continuesToo': ends[1:]}
        later = lambda began=began, chains=3, **options: small(chains, events=(1, 0, 1), began=began, **options)  # noqa: E731
        good = later()
        add('a topic beside the one that it continues', None, good, earlier=before, verified=True)
        one = ended(None, (1,), said={'continuedIn': TOPIC})
        add('a topic of one log beside the one of one log that it continues', None, later({'continues': one.logs[0].end()}, None), earlier=one, verified=True)
        for name, wrong in (('size', ends[0]['size'] - 1), ('root', HASH), ('fingerprint', HASH), ('checkpoint', HASH), ('origin', f'{NAME}/other/0')):
            end_of = {**ends[0], name: wrong}
            more = [{**ends[1], 'origin': f'{NAME}/other/1'}] if name == 'origin' else ends[1:]
            add(f'a topic that continues another one with another {name}', 0, later({'continues': end_of, 'continuesToo': more}), earlier=before)
        add('a topic that continues another one with another root of its second log', 0,
            later({'continues': ends[0], 'continuesToo': [{**ends[1], 'root': HASH}]}), earlier=before)
        add('a topic that continues nothing, beside another that ended for it', 0, later({}), earlier=before)
        alone = lambda event: without('payload/unmapped/continuesToo')(without('payload/unmapped/continues')(event))  # noqa: E731
        for partition in (0, 1):
            add(f'a topic whose log {partition} continues nothing', 0, later(alter={partition: {'event:0': alone}}), earlier=before)
        add('a topic that continues one log of two', 0, later({'continues': ends[0]}), earlier=before)
        add('a topic that continues three logs of two', 0, later({**began, 'continuesToo': [*ends[1:], {**ends[1], 'origin': f'{NAME}/{EARLIER}/2'}]}), earlier=before)
        cut = {partition: log.cut(sorted(log.checkpoints)[0]) for partition, log in enumerate(before.logs)}
        add('a topic beside an earlier one that was cut before its end', 0, good, earlier=lambda folder: write_export(folder, EARLIER, cut))
        for name, said in (('was not ended', None), ('was continued in another', {'continuedIn': 'elsewhere'})):
            other = ended(said=said)
            add(f'a topic beside an earlier one that {name}', 0, later({'continues': other.logs[0].end(), 'continuesToo': [other.logs[1].end()]}), earlier=other)


def one_by_one(alter=None):
    """Two logs, and nothing that one says of the other."""
    return small(None, logs=2, events=(1, 2), checkpoints=2, alter=alter)


def end(partition, size=3):
    return {'checkpoint': sha256(b'checkpoint').hex(), 'fingerprint': sha256(b'entry').hex(), 'origin': f'{NAME}/{EARLIER}/{partition}',
            'root': sha256(b'root').hex(), 'size': size}


def add_topics(out, cases):
    TopicCases(out, cases).all()
