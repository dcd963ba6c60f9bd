import { invariant, present } from '../../../base/index.ts';
import { encodeConfChange } from '../index.ts';
import type {
  ConfChange,
  ConfChangeStep,
  ConfChangeTransition,
  Entry,
  Message,
  ReplicaId,
} from '../types.ts';
import type { TestOptions } from './cluster.ts';
import { describeConf, describeEntry, describeProgress, describeStatus, position } from './describe.ts';
import type { Stage } from './stage.ts';

type Verb = (stage: Stage, words: readonly string[]) => void;

/** Does one command of a story. */
export function perform(stage: Stage, words: readonly string[]): void {
  const [verb = '', ...rest] = words;
  present(VERBS[verb], `the verb ${verb}`)(stage, rest);
}

const VERBS: Readonly<Record<string, Verb>> = {
  // group 1 2 3 learners 4 election 5 heartbeat 1 inflight 3 entries 1 no-prevote no-checkquorum leases
  group: (stage, words) => {
    const { ids, learners, options } = groupOf(words);
    stage.setUp(ids, learners, options);
  },
  // outsider 4: a replica that starts without any configuration, as one does that is about to be added
  outsider: (stage, [id]) => {
    stage.cluster.add(idOf(id), {
      voters: [],
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    });
  },
  // stored 2 terms 1 1 4 term 5 vote 3 commit 1: restarts the replica with that log
  stored: (stage, [id, ...words]) => {
    const { terms, hardState } = storedOf(words);
    const node = stage.cluster.node(idOf(id));
    node.crash();
    node.storage.preload(
      terms.map((term, at): Entry => ({
        index: at + 1,
        term,
        kind: 'normal',
        data: Buffer.from(`t${String(term)}`),
      })),
      hardState,
    );
    node.start();
  },
  // tick 1 5
  tick: (stage, [id, count = '1']) => {
    for (let at = 0; at < Number(count); at += 1) stage.cluster.node(idOf(id)).tick();
  },
  // time 1 5: the clock of 1 goes on without ticks, as that of a process that stands still
  time: (stage, [id, count]) => {
    stage.cluster.node(idOf(id)).passTime(Number(count));
  },
  campaign: (stage, [id]) => {
    stage.cluster.raft(idOf(id)).campaign();
  },
  // propose 1 a b c: one command for each word
  propose: (stage, [id, ...commands]) => {
    const data = commands.map((command) => Buffer.from(command));
    sayResult(stage, stage.cluster.raft(idOf(id)).propose(data));
  },
  // change 1 +4 ~5 -3 explicit; change 1 leave
  change: (stage, [id, ...words]) => {
    sayResult(stage, stage.cluster.raft(idOf(id)).proposeConfChange(changeOf(words)));
  },
  // read 1 77: asks for a read index under the name 77
  read: (stage, [id, context]) => {
    stage.cluster.raft(idOf(id)).readIndex(Number(context));
  },
  // transfer 1 to 3
  transfer: (stage, [id, , transferee]) => {
    stage.cluster.raft(idOf(id)).transferLeader(idOf(transferee));
  },
  forget: (stage, [id]) => {
    stage.cluster.raft(idOf(id)).forgetLeader();
  },
  unreachable: (stage, [id, other]) => {
    stage.cluster.raft(idOf(id)).reportUnreachable(idOf(other));
  },
  // snapshot-report 1 3 ok; snapshot-report 1 3 failed
  'snapshot-report': (stage, [id, other, outcome]) => {
    stage.cluster.raft(idOf(id)).reportSnapshot(idOf(other), outcome === 'ok');
  },
  turn: (stage, [id]) => {
    stage.turn(idOf(id));
  },
  // sync 1 2: the two oldest writes of replica 1 reach the disk
  sync: (stage, [id, count = '1']) => {
    for (let at = 0; at < Number(count); at += 1) stage.sync(idOf(id));
  },
  // apply 2 slowly: what is committed waits for `apply 2`; apply 2 promptly: no more
  apply: (stage, [id, pace]) => {
    if (pace !== undefined) stage.setSlowApply(idOf(id), pace === 'slowly');
    if (pace !== 'slowly') stage.apply(idOf(id));
  },
  // deliver 2 from 1 append: all that is under way to 2 (from 1) (of that type)
  deliver: (stage, words) => {
    stage.deliver(matcherOf(words));
  },
  drop: (stage, words) => {
    stage.drop(matcherOf(words));
  },
  repeat: (stage, words) => {
    stage.repeat(matcherOf(words));
  },
  // settle; settle 1 2
  settle: (stage, words) => {
    stage.settle(words.length > 0 ? words.map(idOf) : stage.cluster.nodes.map((node) => node.id));
  },
  // cut 1 3: nothing passes from 1 to 3; isolate 1: nothing passes to or from 1; mend: everything passes again
  cut: (stage, [from, to]) => {
    stage.cut(idOf(from), idOf(to));
  },
  isolate: (stage, [id]) => {
    for (const { id: other } of stage.cluster.nodes) {
      stage.cut(idOf(id), other);
      stage.cut(other, idOf(id));
    }
  },
  mend: (stage) => {
    stage.mendAll();
  },
  // crash 1: the power fails; restart 1: a crashed replica comes up, a running one is killed first
  crash: (stage, [id]) => {
    stage.cluster.node(idOf(id)).crash();
  },
  // flush 1: the applied state reaches the disk, so that a restart does not apply it again
  flush: (stage, [id]) => {
    stage.cluster.node(idOf(id)).flush();
  },
  restart: (stage, [id]) => {
    const node = stage.cluster.node(idOf(id));
    if (node.isUp) node.kill();
    node.start();
    stage.say(describeStatus(node.raft.status()));
  },
  // compact 1: the log is dropped up to what is applied
  compact: (stage, [id]) => {
    const node = stage.cluster.node(idOf(id));
    node.compact();
    stage.say(`${String(node.id)} log from ${String(node.storage.firstIndex())}`);
  },
  // evict 1 4: entries below 4 leave the memory of 1; load 1 brings them back
  evict: (stage, [id, below]) => {
    stage.cluster.node(idOf(id)).storage.evictBelow(Number(below));
  },
  load: (stage, [id]) => {
    const node = stage.cluster.node(idOf(id));
    for (const replica of node.storage.load()) {
      stage.say(`${String(node.id)} has loaded for ${String(replica)}`);
      node.raft.entriesLoaded(replica);
    }
  },
  state: (stage, words) => {
    for (const id of idsOf(stage, words)) {
      const node = stage.cluster.node(id);
      stage.say(node.isUp ? describeStatus(node.raft.status()) : `${String(id)} is down`);
    }
  },
  progress: (stage, [id]) => {
    for (const one of stage.cluster.raft(idOf(id)).status().progress) stage.say(describeProgress(one));
  },
  conf: (stage, words) => {
    for (const id of idsOf(stage, words)) {
      stage.say(`${String(id)} ${describeConf(stage.cluster.raft(id).status().confState)}`);
    }
  },
  // log 1: what is on the disk of 1
  log: (stage, words) => {
    for (const id of idsOf(stage, words)) sayLog(stage, id);
  },
};

function sayResult(
  stage: Stage,
  result: ReturnType<ReturnType<Stage['cluster']['raft']>['proposeConfChange']>,
): void {
  switch (result.kind) {
    case 'accepted':
      return;
    case 'notLeader':
      stage.say(`not the leader: ask ${String(result.leader)}`);
      return;
    case 'refused':
      stage.say(`refused: ${result.reason}`);
      return;
    case 'full':
    case 'transferring':
      stage.say(result.kind);
  }
}

function sayLog(stage: Stage, id: ReplicaId): void {
  const { storage } = stage.cluster.node(id);
  const from = storage.firstIndex();
  const to = storage.lastIndex() + 1;
  const start = from === 1 ? '' : ` snapshot ${position(from - 1, present(storage.term(from - 1), 'term'))}`;
  const result = from < to ? storage.entries({ from, to, bytesMax: Infinity, replica: id }) : undefined;
  const entries = result?.kind === 'ok' ? result.entries : [];
  stage.say(
    `${String(id)}${start} ${entries.length === 0 ? 'empty' : entries.map(describeEntry).join(', ')}`,
  );
}

function groupOf(words: readonly string[]): {
  readonly ids: ReplicaId[];
  readonly learners: ReplicaId[];
  readonly options: TestOptions;
} {
  const ids: ReplicaId[] = [];
  const learners: ReplicaId[] = [];
  const options: Record<string, number | boolean> = {};
  let option: string | undefined;
  let into = ids;
  for (const word of words) {
    if (word === 'learners') into = learners;
    else if (word === 'no-prevote') options['preVote'] = false;
    else if (word === 'no-checkquorum') options['checkQuorum'] = false;
    else if (word === 'leases') options['leases'] = true;
    else if (/^\d+$/.test(word) && option === undefined) into.push(Number(word));
    else if (option === undefined) option = present(OPTION_NAMES[word], `the option ${word}`);
    else {
      options[option] = Number(word);
      option = undefined;
    }
  }
  return { ids, learners, options };
}

const OPTION_NAMES: Readonly<Record<string, string>> = {
  election: 'electionTicks',
  heartbeat: 'heartbeatTicks',
  inflight: 'inflightMessagesMax',
  entries: 'messageEntriesMax',
  bytes: 'messageBytesMax',
  uncommitted: 'uncommittedBytesMax',
};

function storedOf(words: readonly string[]): {
  readonly terms: number[];
  readonly hardState: { readonly term: number; readonly vote: number; readonly commit: number };
} {
  const fields: Record<string, number[]> = {};
  let field = '';
  for (const word of words) {
    if (/^\d+$/.test(word)) fields[field]?.push(Number(word));
    else fields[(field = word)] = [];
  }
  const terms = fields['terms'] ?? [];
  return {
    terms,
    hardState: {
      term: fields['term']?.[0] ?? terms[terms.length - 1] ?? 0,
      vote: fields['vote']?.[0] ?? 0,
      commit: fields['commit']?.[0] ?? 0,
    },
  };
}

const STEP_TYPES: Readonly<Record<string, ConfChangeStep['type']>> = {
  '+': 'addVoter',
  '~': 'addLearner',
  '-': 'remove',
};

function changeOf(words: readonly string[]): ConfChange {
  let transition: ConfChangeTransition = 'auto';
  const steps: ConfChangeStep[] = [];
  for (const word of words) {
    if (word === 'implicit' || word === 'explicit') transition = word;
    else if (word !== 'leave') {
      steps.push({
        type: present(STEP_TYPES[word[0] ?? ''], `the step ${word}`),
        replica: idOf(word.slice(1)),
      });
    }
  }
  const change = { transition, steps, context: Buffer.alloc(0) };
  invariant(encodeConfChange(change).length > 0, 'a change has bytes');
  return change;
}

/** Words of `deliver`: a receiver, then perhaps `from` a sender, then perhaps a type. */
function matcherOf(words: readonly string[]): (message: Message) => boolean {
  const to = words.find((word, at) => /^\d+$/.test(word) && words[at - 1] !== 'from');
  const from = words.find((_word, at) => words[at - 1] === 'from');
  const type = words.find((word) => !/^\d+$/.test(word) && word !== 'from');
  return (message) =>
    (to === undefined || message.to === Number(to)) &&
    (from === undefined || message.from === Number(from)) &&
    (type === undefined || message.type === type);
}

function idsOf(stage: Stage, words: readonly string[]): readonly ReplicaId[] {
  return words.length > 0 ? words.map(idOf) : stage.cluster.nodes.map((node) => node.id);
}

function idOf(word: string | undefined): ReplicaId {
  const id = Number(word);
  invariant(Number.isSafeInteger(id) && id > 0, 'the word is a replica', { word });
  return id;
}
